import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { cageIdOf, readProgramUsage } from './program-usage.ts';
import { decideUsage, measureUsage } from './usage-meter.ts';

test('processor time between two looks becomes thousandths of a core, and memory is what is used now', () => {
  const before = [
    { cpuMs: 100, memoryBytes: 10 },
    { cpuMs: 50, memoryBytes: 7 },
  ];
  const after = [
    { cpuMs: 150, memoryBytes: 20 },
    { cpuMs: 0, memoryBytes: 0 },
  ];
  assert.deepEqual(decideUsage(before, after, 200), { cpu: 250, totalMemoryBytes: 27 });
});

test('the cage of a process is found in both shapes of its cgroup file', () => {
  const v1 = {
    version: 'v1',
    cgroups: ['/sys/fs/cgroup/memory/tinderbox-ab', '/sys/fs/cgroup/cpu/tinderbox-ab'],
  } as const;
  const v2 = { version: 'v2', cgroups: ['/sys/fs/cgroup/tinderbox-ab'] } as const;
  assert.equal(cageIdOf(v1, '9:pids:/\n4:memory:/tinderbox-ab/f-00001-x\n'), 'f-00001-x');
  assert.equal(cageIdOf(v2, '0::/tinderbox-ab/f-00001-x/inner\n'), 'f-00001-x');
  assert.equal(cageIdOf(v2, '0::/user.slice\n'), undefined);
  assert.equal(cageIdOf({ version: 'none', cgroups: [] }, ''), undefined);
});

test('without cgroups a busy program and its children are counted, and one that is gone is nothing', async (t) => {
  const parent = { version: 'none', cgroups: [] } as const;
  const busy = 'while :; do :; done';
  const child = spawn('/bin/sh', ['-c', `${busy} & ${busy}`], { detached: true, stdio: 'ignore' });
  t.after(() => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  });
  const pid = child.pid ?? 0;
  const read = (id: number) => readProgramUsage(parent, id);
  await until('it used some time', async () => (await read(pid)).cpuMs > 50);
  const used = await until('time passes while it is measured', async () => {
    const measured = await measureUsage([pid], read);
    return measured !== undefined && measured.cpu > 0 && measured;
  });
  assert.ok(used.totalMemoryBytes > 500_000, String(used.totalMemoryBytes));
  assert.equal(await measureUsage([], read), undefined);
  process.kill(-pid, 'SIGKILL');
  await until('it is gone', async () => (await read(pid)).memoryBytes === 0);
});

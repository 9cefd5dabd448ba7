import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootSandbox } from '../../test/support/hostile.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { applyLimits, decideControlWrites, makeCageParent } from './cage-maker.ts';
import { cageOf, cageOomKilled, cagePids, cageUsage } from './cage.ts';

const limits = { memoryBytes: 2 ** 26, cpuMillis: 250, pids: 10, fileBytes: 0, openFiles: 0 };
const none = { memoryBytes: 0, cpuMillis: 0, pids: 0, fileBytes: 0, openFiles: 0 };

function texts(version: 'v1' | 'v2', of: typeof limits): Record<string, string> {
  return Object.fromEntries(decideControlWrites(version, of).map(({ file, value }) => [file, value]));
}

test('limits become the control files of either cgroup version', () => {
  assert.deepEqual(texts('v1', limits), {
    'memory.limit_in_bytes': '67108864',
    'memory.memsw.limit_in_bytes': '67108864',
    'pids.max': '10',
    'cpu.cfs_period_us': '100000',
    'cpu.cfs_quota_us': '25000',
  });
  assert.deepEqual(texts('v2', limits), {
    'memory.max': '67108864',
    'memory.swap.max': '0',
    'memory.oom.group': '1',
    'pids.max': '10',
    'cpu.max': '25000 100000',
  });
});

test('no limit is written as the kernel spells it', () => {
  assert.deepEqual(Object.values(texts('v1', none)), ['-1', '-1', 'max', '100000', '-1']);
  assert.deepEqual(Object.values(texts('v2', none)), ['max', 'max', '1', 'max', 'max 100000']);
});

// No machine here has memory and pids in a unified hierarchy: the files are plain ones, unverified on a v2 host.
test('on a unified hierarchy controllers are handed down and limits written', async (t) => {
  const root = tempDir(t);
  const parent = { version: 'v2' as const, cgroups: [join(root, 'tinderbox-x')] };
  const cage = cageOf(parent, 'a');
  const [dir = ''] = cage.cgroups;
  mkdirSync(dir, { recursive: true });
  for (const place of [root, join(root, 'tinderbox-x')]) {
    writeFileSync(join(place, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
    writeFileSync(join(place, 'cgroup.subtree_control'), 'cpu');
  }
  for (const file of ['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max']) writeFileSync(join(dir, file), '');
  await makeCageParent(parent);
  await applyLimits(cage, limits);
  assert.equal(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8'), '+memory +pids');
  assert.equal(readFileSync(join(root, 'tinderbox-x', 'cgroup.subtree_control'), 'utf8'), '+memory +pids');
  assert.equal(readFileSync(join(dir, 'memory.max'), 'utf8'), '67108864');
  assert.equal(readFileSync(join(dir, 'memory.swap.max'), 'utf8'), '0');
  assert.equal(readFileSync(join(dir, 'cpu.max'), 'utf8'), '25000 100000');
});

test('what a unified cage says is understood, its child groups included', async (t) => {
  const dir = tempDir(t);
  mkdirSync(join(dir, 'a', 'child'), { recursive: true });
  const cage = cageOf({ version: 'v2', cgroups: [dir] }, 'a');
  assert.equal(await cageOomKilled(cage), false);
  writeFileSync(join(dir, 'a', 'memory.events'), 'low 0\noom 3\noom_kill 2\n');
  writeFileSync(join(dir, 'a', 'memory.current'), '5000\n');
  writeFileSync(join(dir, 'a', 'memory.stat'), 'anon 1\ninactive_file 2000\n');
  writeFileSync(join(dir, 'a', 'cpu.stat'), 'usage_usec 1500\nuser_usec 1\n');
  writeFileSync(join(dir, 'a', 'cgroup.procs'), '11\n12\n');
  writeFileSync(join(dir, 'a', 'child', 'cgroup.procs'), '13\n');
  assert.equal(await cageOomKilled(cage), true);
  assert.deepEqual(await cageUsage(cage), { memoryBytes: 3000, cpuMs: 1.5 });
  assert.deepEqual(await cagePids(cage), [11, 12, 13]);
});

test('a living cage can be given more and less, and what the kernel refuses is an error', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const { cage } = await box.sandbox.confine(box.request(['/bin/true']));
  const memory = (): string => {
    const file = cage.version === 'v2' ? 'memory.max' : 'memory.limit_in_bytes';
    const dir = cage.cgroups.find((place) => cage.version === 'v2' || place.includes('/memory/')) ?? '';
    return readFileSync(join(dir, file), 'utf8').trim();
  };
  for (const memoryBytes of [2 ** 27, 2 ** 25, 2 ** 30]) {
    await box.sandbox.limit(cage, { ...limits, memoryBytes });
    assert.equal(memory(), String(memoryBytes));
  }
  await assert.rejects(box.sandbox.limit(cage, { ...limits, pids: -5 }), {
    code: 'unsupported',
    message: /pids.max = -5/,
  });
  await box.sandbox.limit(cage, none);
  await box.sandbox.destroy(cage);
});

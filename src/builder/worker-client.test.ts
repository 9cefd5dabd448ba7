import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBuilder } from '../../test/support/builder.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { until } from '../../test/support/until.ts';
import { createBuilder } from './create-builder.ts';

const endless = { 'build.sh': 'echo started\nsetsid sleep 1000 &\nsleep 1000\n' };

function workerPids(): number[] {
  const file = `/proc/${process.pid}/task/${process.pid}/children`;
  const children = readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return children.filter((pid) => /worker\.[tj]s/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
}

test('a worker that dies fails its builds, leaves nothing of them, and the next build gets a new one', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  const building = kit.build(endless);
  building.catch(() => undefined);
  await until('the step runs', () =>
    readdirSync(join(kit.runDir, 'artifacts')).some((name) => name.startsWith('.tmp')),
  );
  const uid = await kit.identities.assign('build', 'openfaas-fn');
  const isRoot = process.getuid?.() === 0;
  const owned = (): string => (isRoot ? execFileSync('ps', ['-eo', 'uid=,args=']).toString() : '');
  if (isRoot) await until('its program runs', () => owned().includes(`${uid} sleep 1000`));
  for (const pid of workerPids()) process.kill(pid, 'SIGKILL');
  await assert.rejects(building, { code: 'internal', message: /worker ended unexpectedly/ });
  assert.ok(!owned().includes(`${uid} sleep`));
  assert.deepEqual(readdirSync(join(kit.runDir, 'artifacts')), []);
  assert.ok((await kit.build({ 'handler.js': '' })).artifact);
});

test('a worker whose environment is looked at holds none of the platform’s', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  await kit.build({ 'handler.js': '' });
  const [pid] = workerPids();
  const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .map((pair) => pair.split('=')[0]);
  const allowed = ['', 'PATH', 'NODE_COMPILE_CACHE', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'];
  assert.deepEqual(
    names.filter((name) => !allowed.includes(name ?? '')),
    [],
  );
});

test('what a killed platform left in the run folder is swept at the next start, and no word of a build is taken', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  const stranger = spawn('sleep', ['1000']);
  t.after(() => stranger.kill());
  const forged = tempDir(t);
  writeFileSync(join(forged, 'cgroup.procs'), String(stranger.pid));
  const kept = (await kit.build({ 'handler.js': '' })).artifact;
  const left = join(kit.runDir, 'artifacts/.tmp-dead');
  mkdirSync(join(left, 'bundle/code'), { recursive: true });
  const cage = { version: 'v2', id: 'dead', cgroups: [forged] };
  for (const name of ['cages.json', '.cages']) writeFileSync(join(left, name), JSON.stringify([cage]));
  writeFileSync(`${left}.cages`, '[]');
  writeFileSync(join(kit.runDir, 'artifacts/.tmp-gone.cages'), '[]');
  const build = { timeoutMs: 1000, memoryBytes: 2 ** 28, diskBytes: 2 ** 28, concurrent: 1, env: {} };
  const next = await createBuilder({ ...kit, build });
  assert.deepEqual(readdirSync(join(kit.runDir, 'artifacts')), [kept.digest.slice(7)]);
  assert.deepEqual(await next.resolve('test:latest'), kept);
  assert.deepEqual([stranger.exitCode, stranger.signalCode], [null, null]);
  await next.close();
});

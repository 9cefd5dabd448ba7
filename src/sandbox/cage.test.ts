import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { compileHostile, processesOf, rootSandbox, type TestSandbox } from '../../test/support/hostile.ts';
import { until } from '../../test/support/until.ts';
import { cageOf, cagePids, cageUsage, destroyCage } from './cage.ts';
import type { CageRef, ConfineRequest } from './sandbox.ts';

interface Started {
  readonly cage: CageRef;
  readonly child: ChildProcess;
  readonly text: () => string;
}

async function start(box: TestSandbox, request: ConfineRequest): Promise<Started> {
  const confined = await box.sandbox.confine(request);
  const { file, args, env, cwd, cage } = confined;
  const child = spawn(file, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { cage, child, text: () => text };
}

async function hostile(t: TestContext): Promise<{ box: TestSandbox; program: string } | undefined> {
  const box = await rootSandbox(t);
  return box === undefined ? undefined : { box, program: await compileHostile(box.dir) };
}

async function assertEmpty(box: TestSandbox, cage: CageRef): Promise<void> {
  assert.deepEqual(await destroyCage(cage), []);
  assert.deepEqual(processesOf(box.uid), []);
  assert.deepEqual(cage.cgroups.filter(existsSync), []);
}

test('a fork bomb stops at its process limit and dies whole', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const { cage, text } = await start(it.box, it.box.request([it.program, 'bomb']));
  await until('the limit is felt', () => text().includes('limit: Resource temporarily unavailable'));
  assert.equal((await cagePids(cage)).length, 32);
  await assertEmpty(it.box, cage);
});

test('a daemon that forked twice into a session of its own dies with its cage', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const report = join(it.box.home, 'pid');
  const { cage, child } = await start(it.box, it.box.request([it.program, 'daemonise', report]));
  const pid = Number(await until('the daemon', () => existsSync(report) && readFileSync(report, 'utf8').trim()));
  await until('its parent is gone', () => child.exitCode !== null);
  assert.deepEqual(await cagePids(cage), [pid]);
  await assertEmpty(it.box, cage);
});

test('stopped processes die with their cage', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const { cage, text } = await start(it.box, it.box.request([it.program, 'stopped']));
  await until('ready', () => text().includes('ready'));
  await until('both are there', async () => (await cagePids(cage)).length === 2);
  await assertEmpty(it.box, cage);
});

test('destroying is idempotent, also at the same time and for a cage that never was', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const { cage, text } = await start(it.box, it.box.request([it.program, 'deaf']));
  await until('ready', () => text().includes('ready'));
  assert.deepEqual(await Promise.all([destroyCage(cage), destroyCage(cage)]), [[], []]);
  await assertEmpty(it.box, cage);
  const parent = { version: cage.version, cgroups: cage.cgroups.map((dir) => join(dir, '..')) };
  assert.deepEqual(await destroyCage(cageOf(parent, 'never-was')), []);
});

test('a cage destroyed before its program entered keeps the program from starting', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const confined = await it.box.sandbox.confine(it.box.request(['/bin/echo', 'started']));
  await it.box.sandbox.destroy(confined.cage);
  const child = spawn(confined.file, confined.args, { env: confined.env, cwd: confined.cwd, stdio: 'pipe' });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([code, output], [125, '']);
});

test('memory and CPU use of the whole cage can be read', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const { cage } = await start(it.box, it.box.request(['/bin/sh', '-c', 'while :; do :; done']));
  await until('some CPU time', async () => (await cageUsage(cage)).cpuMs > 20);
  const { memoryBytes } = await cageUsage(cage);
  assert.ok(memoryBytes > 0 && memoryBytes < 2 ** 25, `${memoryBytes} bytes`);
  await assertEmpty(it.box, cage);
});

test('a sweep kills what an earlier platform left and keeps what is adopted', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const kept = await start(it.box, it.box.request([it.program, 'deaf'], { id: 'kept' }));
  const left = await start(it.box, it.box.request([it.program, 'deaf'], { id: 'left' }));
  await until('both', () => kept.text().includes('ready') && left.text().includes('ready'));
  assert.deepEqual(await it.box.sandbox.sweep(new Set(['kept'])), ['left']);
  assert.equal((await cagePids(kept.cage)).length, 1);
  await assertEmpty(it.box, kept.cage);
});

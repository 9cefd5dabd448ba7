import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  compileHostile,
  processesOf,
  rootSandbox,
  type TestRun,
  type TestSandbox,
} from '../../test/support/hostile.ts';
import { until } from '../../test/support/until.ts';
import { runConfined } from './run.ts';

async function hostile(t: TestContext): Promise<{ box: TestSandbox; program: string } | undefined> {
  const box = await rootSandbox(t);
  return box === undefined ? undefined : { box, program: await compileHostile(box.dir) };
}

function assertGone(box: TestSandbox): void {
  assert.deepEqual(processesOf(box.uid), []);
}

test('a clean end is ok, with the lines of both streams and the input it was given', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const seen: string[] = [];
  const request = box.request(['/bin/sh', '-c', 'cat; echo problem >&2; printf tail']);
  const { outcome } = await box.run(request, {
    stdin: Buffer.from('one\ntwo\n'),
    onOutput: (stream, line) => seen.push(`${stream} ${line}`),
  });
  assert.deepEqual(seen.toSorted(), ['stderr problem', 'stdout one', 'stdout tail', 'stdout two']);
  const { durationMs, ...rest } = outcome;
  assert.ok(durationMs > 0);
  assert.deepEqual(rest, {
    ok: true,
    timedOut: false,
    canceled: false,
    oomKilled: false,
    diskExceeded: false,
    outputTruncated: false,
    exitCode: 0,
    signal: null,
  });
});

test('a failing program and one that does not exist are outcomes, not errors', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const failing = await box.run(box.request(['/bin/sh', '-c', 'exit 7']));
  assert.deepEqual([failing.outcome.ok, failing.outcome.exitCode], [false, 7]);
  const absent = await box.run(box.request(['/no/such/program']));
  assert.equal(absent.outcome.exitCode, 127);
  assert.match(absent.lines.join('\n'), /no\/such\/program/);
});

test('a program that eats memory is killed and reported as such', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const { outcome } = await it.box.run(it.box.request([it.program, 'eat']));
  assert.deepEqual([outcome.ok, outcome.oomKilled, outcome.signal], [false, true, 'SIGKILL']);
  assertGone(it.box);
});

test('a program that ignores SIGTERM is killed after its grace', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const { outcome } = await it.box.run(it.box.request([it.program, 'deaf']), { timeoutMs: 200, killAfterMs: 100 });
  assert.deepEqual([outcome.timedOut, outcome.canceled, outcome.signal], [true, false, 'SIGKILL']);
  assert.ok(outcome.durationMs >= 300 && outcome.durationMs < 3_000, `${outcome.durationMs} ms`);
  assertGone(it.box);
});

test('one that obeys SIGTERM ends by itself, also inside bubblewrap', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const text = 'trap "echo bye; exit 9" TERM; echo ready; while :; do sleep 0.05; done';
  for (const isolation of ['auto', 'namespaces'] as const) {
    const request = box.request(['/bin/sh', '-c', text], { isolation });
    const { outcome, lines } = await box.run(request, { timeoutMs: 400, killAfterMs: 5_000 });
    assert.deepEqual([lines, outcome.exitCode, outcome.timedOut], [['ready', 'bye'], 9, true], isolation);
  }
});

test('the signal that ended a program inside bubblewrap is reported', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const { outcome } = await box.run(box.request(['/bin/sh', '-c', 'kill -SEGV $$'], { isolation: 'namespaces' }));
  assert.deepEqual([outcome.exitCode, outcome.signal], [null, 'SIGSEGV']);
});

test('the first reason wins: what was canceled does not time out as well', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const controller = new AbortController();
  const options = { timeoutMs: 150, killAfterMs: 400, onOutput: () => controller.abort() };
  const { outcome } = await it.box.run(it.box.request([it.program, 'deaf']), options, controller.signal);
  assert.deepEqual([outcome.canceled, outcome.timedOut], [true, false]);
  const before = await it.box.run(it.box.request([it.program, 'deaf']), { killAfterMs: 0 }, AbortSignal.abort());
  assert.equal(before.outcome.canceled, true);
  assertGone(it.box);
});

test('a daemon left behind dies with the run and does not hold it up', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const report = join(it.box.home, 'pid');
  const { outcome } = await it.box.run(it.box.request([it.program, 'daemonise', report]));
  assert.equal(outcome.ok, true);
  assert.ok(outcome.durationMs < 3_000);
  assert.match(readFileSync(report, 'utf8'), /^\d+\n$/);
  assertGone(it.box);
});

test('output without end is cut into lines, limited and said to be', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const { outcome, lines } = await it.box.run(it.box.request([it.program, 'flood']), { maxOutputBytes: 200_000 });
  assert.deepEqual([outcome.ok, outcome.outputTruncated], [true, true]);
  assert.equal(lines.join('').length, 200_000);
  assert.ok(lines.every((line) => line.length <= 65_536));
});

test('a folder that outgrows its limit ends the run', async (t) => {
  const it = await hostile(t);
  if (it === undefined) return;
  const { box } = it;
  const file = join(box.home, 'big');
  const diskLimit = { dir: box.home, bytes: 4 * 2 ** 20 };
  const full: TestRun = await box.run(box.request([it.program, 'fill', file]), { diskLimit });
  assert.deepEqual([full.outcome.diskExceeded, full.outcome.ok, full.outcome.signal], [true, false, 'SIGKILL']);
  const modest = await box.run(box.request(['/bin/sh', '-c', 'sleep 0.4']), {
    diskLimit: { ...diskLimit, bytes: 2 ** 31 },
  });
  assert.equal(modest.outcome.ok, true);
  assertGone(box);
});

test('a program that cannot be spawned leaves no cage', async (t) => {
  const box = await rootSandbox(t);
  if (box === undefined) return;
  const confined = await box.sandbox.confine(box.request(['/bin/true'], { cwd: join(box.dir, 'nowhere') }));
  const options = { onOutput: () => undefined, timeoutMs: 1_000, killAfterMs: 0, maxOutputBytes: 0 };
  await assert.rejects(runConfined(confined, options, new AbortController().signal), { code: 'internal' });
  await until('the cage is gone', () => !confined.cage.cgroups.some(existsSync));
});

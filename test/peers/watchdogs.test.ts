import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { askOriginal } from './watchdogs/ask-original.ts';
import { type Asked, askWatchdog } from './watchdogs/ask-watchdog.ts';
import { compareAnswers } from './watchdogs/compare.ts';
import { differenceRows, differences } from './watchdogs/differences.ts';
import type { Original } from './watchdogs/find-watchdog.ts';
import { files, programs, type Scenario, scenarios } from './watchdogs/scenarios.ts';

const root = resolve(import.meta.dirname, '../..');
const tinderbox = [process.execPath, join(root, 'bin/tinderbox.mjs'), 'watchdog'];
/** The default mode of each. */
const ours: Readonly<Record<Original, readonly string[]>> = {
  'classic-watchdog': tinderbox,
  'of-watchdog': [...tinderbox, '--mode', 'streaming'],
};

function run(t: TestContext, command: readonly string[], { env, asks }: Scenario): Promise<Asked> {
  const dir = tempDir(t);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  for (const folder of ['public/sub', 'public/list', 'tmp']) mkdirSync(join(dir, folder), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const path = `${join(process.execPath, '..')}:/usr/bin:/bin`;
  return askWatchdog(command, { PATH: path, TMPDIR: join(dir, 'tmp'), HOME: dir, ...env }, dir, asks);
}

function hasNamespaces(): boolean {
  return spawnSync('unshare', ['--net', 'sh', '-c', 'ip link set lo up']).status === 0;
}

test('answers differ from those of the real watchdogs only where docs/watchdog.md says so', async (t) => {
  if (!requirement(t, hasNamespaces(), 'network namespaces need root, unshare and ip')) return;
  const explained = new Set<number>();
  for (const original of ['classic-watchdog', 'of-watchdog'] as const) {
    for (const scenario of scenarios.filter((one) => one.original === original)) {
      const theirs: Asked = await askOriginal(scenario, (command) => run(t, command, scenario));
      const answers: Asked = await run(t, ours[original], scenario);
      assert.deepEqual(Object.keys(answers.answers), Object.keys(theirs.answers), answers.log);
      for (const line of compareAnswers(theirs, answers)) {
        const full = `${original} ${scenario.name} ${line}`;
        const reasons = differences.flatMap(({ explains }, at) => (explains.test(full) ? [at] : []));
        assert.notEqual(reasons.length, 0, `nobody explains: ${full}`);
        for (const at of reasons) explained.add(at);
      }
    }
  }
  assert.deepEqual(
    differences.filter((_, at) => !explained.has(at)).map(({ there }) => there),
    [],
    'differences that were not seen',
  );
});

test('docs/watchdog.md tells the same differences', () => {
  const page = readFileSync(join(root, 'docs/watchdog.md'), 'utf8');
  const table = page.slice(page.indexOf('| original | there | here |')).split('\n\n')[0] ?? '';
  assert.deepEqual(table.trim().split('\n').slice(2), differenceRows());
});

test('metrics have the names and labels of the real of-watchdog', async (t) => {
  if (!requirement(t, hasNamespaces(), 'network namespaces need root, unshare and ip')) return;
  const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  const scenario: Scenario = {
    original: 'of-watchdog',
    name: 'metrics',
    env: { mode: 'serializing', fprocess: 'cat' },
    asks: [
      { name: 'call', requests: [request('/')] },
      { name: 'metrics', port: 8081, requests: [request('/metrics')], until: 'http_requests_total{' },
    ],
  };
  const series = ({ answers }: Asked): string[] =>
    (answers['metrics']?.[0] ?? '')
      .split(/\r?\n/)
      .filter((line) => /^(# (TYPE|HELP) )?http_/.test(line))
      .map((line) => (line.startsWith('#') ? line : line.replace(/ [^ ]*$/, '')))
      .toSorted();
  const original = await askOriginal(
    scenario,
    (command) => run(t, command, scenario),
    // Its values are others each time.
    (asked, recorded) => series(asked).filter((line) => !series(recorded).includes(line)),
  );
  const theirs = series(original);
  assert.ok(theirs.length > 10);
  assert.deepEqual(series(await run(t, ours['of-watchdog'], scenario)), theirs);
});

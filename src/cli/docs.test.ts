import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { tempDir } from '../../test/support/temp-dir.ts';
import { errorCodes } from '../model/errors.ts';
import { commands } from './commands.ts';
import { describeTree, flattenTree } from './completion/command-tree.ts';
import { packageRoot } from './package-root.ts';
import { fakeLogin, startFakePlatform } from './testing/fake-platform.ts';
import { createSink, runInTest } from './testing/test-shell.ts';

const page = readFileSync(join(packageRoot, 'docs', 'cli.md'), 'utf8');
const general = page.slice(page.indexOf('## Which platform'), page.indexOf('## Commands'));

function sectionOf(name: string): string {
  const start = page.indexOf(`### tinderbox ${name}`);
  assert.ok(start >= 0, `docs/cli.md has no section "tinderbox ${name}"`);
  const end = page.indexOf('\n##', start + 1);
  return page.slice(start, end < 0 ? undefined : end);
}

/** Its others are settings, and flags of `build`, `push` and `deploy`. */
const ownFlagsOfUp = ['--config', '--log-level', '--examples', '--publish', '--skip-push', '--skip-deploy', '--watch'];

test('the page has every command and every flag, and no flag that is not there', async () => {
  const sink = createSink();
  const signal = new AbortController().signal;
  const shell = { env: {}, cwd: '/', home: '/', signal, stdin: process.stdin, stdout: sink, stderr: sink };
  const known = new Set<string>(['--version', '--help']);
  for (const entry of commands) {
    const command = new Command(entry.name);
    (await entry.load()).define(command, shell);
    const section = sectionOf(entry.name);
    for (const node of flattenTree(describeTree(command))) {
      for (const flag of node.flags) {
        known.add(flag.long);
        if (entry.name === 'up' && !ownFlagsOfUp.includes(flag.long)) continue;
        assert.ok((section + general).includes(flag.long), `${entry.name} ${flag.long} is not in docs/cli.md`);
      }
    }
  }
  const named = page.match(/(?<=[`\s])--[a-z][a-z-]+(=false)?/g) ?? [];
  const nameOf = (flag: string): string => flag.replace(/^--(.*)=false$/, '--no-$1');
  assert.deepEqual(
    named.filter((flag) => !known.has(nameOf(flag)) && !known.has(flag.replace('=false', ''))),
    [],
  );
});

test('the page has every exit code', () => {
  for (const { exitCode } of Object.values(errorCodes)) assert.match(page, new RegExp(`^\\| ${exitCode} \\|`, 'm'));
});

test('every command block of the page runs', async (t) => {
  const { url, state } = await startFakePlatform(t);
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'password'), fakeLogin.password);
  writeFileSync(join(cwd, 'pycon.py'), 'def handle(req): return req');
  writeFileSync(join(cwd, 'key.txt'), 'secret');
  state.logs.push({ name: 'hello', instance: 'i', timestamp: 't', text: 'x' });
  const blocks = [...page.matchAll(/```sh\n([^`]*)```/g)].flatMap((match) => (match[1] ?? '').trim().split('\n'));
  assert.ok(blocks.length >= 10);
  for (const line of blocks) {
    const { stdin, argv } = splitLine(line);
    const run = await runInTest(argv, { cwd, stdin, env: { OPENFAAS_URL: url, TINDERBOX_DATA_DIR: cwd } });
    assert.equal(run.exitCode, 0, `${line}\n${run.stderr}`);
  }
});

/** Words of `[echo TEXT |] tinderbox …`, single quotes understood. */
function splitLine(line: string): { stdin: string; argv: readonly string[] } {
  const words = [...line.matchAll(/'([^']*)'|([^\s']+)/g)].map((match) => match[1] ?? match[2] ?? '');
  const start = words.indexOf('tinderbox');
  assert.ok(start === 0 || (words[0] === 'echo' && words[start - 1] === '|'), line);
  return { stdin: words.slice(1, Math.max(1, start - 1)).join(' '), argv: words.slice(start + 1) };
}

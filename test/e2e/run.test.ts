import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { differs } from '../support/covers.ts';

const main = resolve(import.meta.dirname, '../../bin/tinderbox.mjs');
const patience = 60_000;

interface Run {
  output(): string;
  /** Address of the newest start. */
  url(): Promise<string>;
  stop(): Promise<number | null>;
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function start(t: TestContext, cwd: string, args: readonly string[]): Run {
  const temp = tempDir(t);
  const env = { PATH: process.env['PATH'], HOME: cwd, TMPDIR: temp };
  const child = spawn(process.execPath, [main, ...args], { cwd, env });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  t.after(() => child.kill('SIGKILL'));
  const output = (): string => chunks.join('');
  return {
    output,
    url: () =>
      until(
        `it runs: ${args.join(' ')}`,
        () => {
          if (child.exitCode !== null) throw new Error(output());
          return [...output().matchAll(/^URL: (\S+)$/gm)].at(-1)?.[1];
        },
        patience,
      ),
    stop: async () => {
      child.kill('SIGINT');
      const [code] = await ended;
      assert.deepEqual(readdirSync(temp), [], 'files are left behind');
      return code;
    },
  };
}

test('one function runs without a platform, every path its own, with secrets and variables', async (t) => {
  differs('command', 'local-run', 'starts the function in this machine’s own process engine, without a container');
  const cwd = tempDir(t);
  write(cwd, {
    'stack.yaml': 'functions:\n  hello: {lang: node, handler: ./hello, secrets: [key], environment: {A: "1"}}\n',
    '.secrets/key': 'hidden',
    'hello/handler.js': `const { readFileSync } = require('node:fs');
module.exports = async (event, context) => {
  console.log('heard', event.path);
  const folder = process.env.OPENFAAS_SECRETS_DIR || '/var/openfaas/secrets';
  return context.succeed([event.method, event.path, process.env.A, process.env.B, readFileSync(folder + '/key')].join(' '));
};`,
  });
  const printed = start(t, cwd, ['local-run', '--print', '--no-build']);
  await until('the plan is printed', () => printed.output().includes('limits:'), patience);
  assert.match(printed.output(), /function: +hello\.openfaas-fn\n[^]*secrets: +key\n/);
  assert.doesNotMatch(printed.output(), /hidden/);

  const run = start(t, cwd, ['run', 'hello', '--port', '0', '-e', 'B=2']);
  const url = await run.url();
  assert.equal(await (await fetch(`${url}/function/x?y=1`)).text(), 'GET /function/x 1 2 hidden');
  assert.equal(await (await fetch(url, { method: 'POST' })).text(), 'POST / 1 2 hidden');
  await until('its log is shown', () => run.output().includes('heard /function/x'));
  assert.equal(await run.stop(), 0, run.output());
});

test('a file is a function too, and starts again when it changes', async (t) => {
  const cwd = tempDir(t);
  write(cwd, { 'greet.py': 'def handle(event, context):\n    return {"statusCode": 200, "body": "one"}\n' });
  const run = start(t, cwd, ['run', 'greet.py', '-p', '0', '--watch']);
  assert.equal(await (await fetch(await run.url())).text(), 'one');
  write(cwd, { 'greet.py': 'def handle(event, context):\n    return {"statusCode": 200, "body": "two"}\n' });
  await until(
    'the change answers',
    async () =>
      (await fetch(await run.url()).then(
        (answer) => answer.text(),
        () => '',
      )) === 'two',
    patience,
  );
  await run.stop();
});

test('what cannot run says why, and leaves nothing behind', async (t) => {
  const cwd = tempDir(t);
  write(cwd, {
    'bad.js': 'throw new Error("not today");',
    'stack.yaml': 'functions:\n  a: {handler: .}\n  b: {handler: .}\n',
  });
  const broken = start(t, cwd, ['run', 'bad.js', '-p', '0']);
  await until('it is told', () => /error: the function does not start: [^]*not today/.test(broken.output()), patience);
  await broken.stop();
  const unclear = start(t, cwd, ['run']);
  await until('it is told', () => /which function\?\nhint: give one of: a, b/.test(unclear.output()), patience);
  await unclear.stop();
});

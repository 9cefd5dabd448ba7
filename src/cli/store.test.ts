import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { covers } from '../../test/support/covers.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { packageRoot } from './package-root.ts';
import { fakeLogin, type FakePlatform, startFakePlatform } from './testing/fake-platform.ts';
import { type CliRun, runInTest } from './testing/test-shell.ts';

const openfaas = join(packageRoot, 'test', 'fixtures', 'openfaas-store.json');

const run = (words: readonly string[], env: Record<string, string> = {}): Promise<CliRun> =>
  runInTest(['store', ...words, ...(words[0] === 'deploy' ? [] : ['--platform', 'x86_64'])], { cwd: packageRoot, env });

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/store.json`;
}

interface Bench extends FakePlatform {
  readonly cwd: string;
  readonly deploy: (...words: readonly string[]) => Promise<CliRun>;
}

/** A store of one function with a source, in a folder of its own. */
async function createBench(t: TestContext, entry: object = {}): Promise<Bench> {
  const platform = await startFakePlatform(t);
  const cwd = tempDir(t);
  mkdirSync(join(cwd, 'greet'));
  writeFileSync(join(cwd, 'greet', 'handler.js'), 'module.exports = async () => "hi"');
  writeFileSync(join(cwd, 'password'), fakeLogin.password);
  const images = { x86_64: 'mine/greet:3', arm64: 'mine/greet:3' };
  const greet = { name: 'greet', title: 'Greeting', images, source: 'greet', lang: 'node', ...entry };
  writeFileSync(join(cwd, 'store.json'), JSON.stringify({ version: '0.2.1', functions: [greet] }));
  const env = { OPENFAAS_URL: platform.url, TINDERBOX_DATA_DIR: cwd };
  const deploy = (...words: readonly string[]): Promise<CliRun> =>
    runInTest(['store', 'deploy', ...words, '--url', 'store.json'], { cwd, env });
  return { ...platform, cwd, deploy };
}

test('list shows names, authors and titles in the columns of faas-cli', async () => {
  covers('command', 'store list');
  const { stdout } = await run(['list', '--url', openfaas]);
  assert.equal(
    stdout,
    '\nFUNCTION AUTHOR   DESCRIPTION\nnodeinfo openfaas NodeInfo\nfiglet   openfaas figlet\nsleep    openfaas sleep\n\n',
  );
  const cuda = ['list', '--url', openfaas, '-p', 'CUDA', '--no-verbose'];
  const { stdout: cut } = await runInTest(['store', ...cuda], { cwd: packageRoot });
  assert.match(cut, /^gpu {6}unknown Only for processors with CUDA and a t\.\.\.$/m);
});

test('a platform that no function has an image for is told those that have', async () => {
  const { stdout } = await runInTest(['store', 'list', '--url', openfaas, '-p', 'riscv'], { cwd: packageRoot });
  const known = 'arm64, armhf, x86_64, cuda';
  assert.equal(stdout, `No functions found in the store for platform 'riscv', try one of the following: ${known}\n`);
});

test('describe, or inspect, finds by name and by title, and prints what faas-cli prints', async () => {
  covers('command', 'store describe');
  const { stdout } = await run(['describe', 'sleep', '--url', openfaas]);
  assert.equal(
    stdout,
    `Title:       sleep
Author:      openfaas
Description:${' '}
Takes two seconds, or the Go duration that the header X-Sleep gives, before it
answers, so that timeouts can be tried

Image:    ghcr.io/openfaas/sleep:latest
Process:${'  '}
Repo URL: https://github.com/openfaas/store-functions
Environment:
-  write_timeout: 60s

`,
  );
  assert.match((await run(['inspect', 'NodeInfo', '--url', openfaas])).stdout, /^Title: {7}NodeInfo$/m);
  const unknown = await run(['describe', 'gpu', '--url', openfaas]);
  assert.deepEqual([unknown.exitCode, /no function "gpu" for platform x86_64/.test(unknown.stderr)], [3, true]);
});

test('as JSON an entry has every field of the format', async () => {
  const [first] = JSON.parse((await run(['list', '--json', '--url', openfaas])).stdout) as [Record<string, unknown>];
  const one = JSON.parse((await run(['describe', 'nodeinfo', '-j', '--url', openfaas])).stdout) as unknown;
  assert.deepEqual(first, one);
  const fields =
    'icon author title description name fprocess repo_url readOnlyRootFilesystem environment labels annotations images';
  assert.deepEqual(Object.keys(first), fields.split(' '));
});

test('the store comes from the flag, from OPENFAAS_STORE, or with the program', async (t) => {
  covers('variable', 'faas-cli OPENFAAS_STORE');
  const url = await serve(t, (_request, response) => response.end(readFileSync(openfaas)));
  assert.match((await run(['list'])).stdout, /^wordcount +tinderbox +/m);
  assert.match((await run(['list'], { OPENFAAS_STORE: url })).stdout, /openfaas NodeInfo/);
  const own = ['list', '--url', `file://${resolve(packageRoot, 'store/store.json')}`];
  assert.match((await run(own, { OPENFAAS_STORE: url })).stdout, /tinderbox NodeInfo/);
});

test('a store that cannot be had, or is none, is told with its address', async (t) => {
  const gone = await serve(t, (_request, response) => response.writeHead(404).end());
  const text = await serve(t, (_request, response) => response.end('<html>'));
  const endless = await serve(t, (_request, response) => {
    const more = (): void => void (response.destroyed || (response.write('x'.repeat(2 ** 20)), setImmediate(more)));
    more();
  });
  for (const [url, exitCode, reason] of [
    [gone, 6, /answered 404/],
    [text, 2, /is not a function store/],
    [endless, 2, /more than 8388608 bytes/],
    ['http://127.0.0.1:1/', 6, /cannot be reached[^]*hint: without --url/],
    ['nowhere.json', 3, /store nowhere\.json cannot be read: ENOENT/],
    ['package.json', 2, /package\.json is not a function store: it has no list "functions"/],
  ] as const) {
    const { exitCode: code, stderr } = await run(['list', '--url', url]);
    assert.deepEqual([code, reason.test(stderr)], [exitCode, true], stderr);
  }
});

test('entries that are none are named by their place', async (t) => {
  const cwd = tempDir(t);
  for (const [entry, reason] of [
    ['x', /functions\[0\] is not an object/],
    [{ name: '../etc' }, /functions\[0\]: .*"\.\.\/etc"/],
    [{ name: 'a', title: 1 }, /functions\[0\]: title is no text/],
    [{ name: 'a', environment: { A: 1 } }, /functions\[0\]: environment is not an object of texts/],
  ] as const) {
    writeFileSync(join(cwd, 's.json'), JSON.stringify({ functions: [entry] }));
    const { exitCode, stderr } = await runInTest(['store', 'list', '--url', 's.json'], { cwd });
    assert.deepEqual([exitCode, reason.test(stderr)], [2, true], stderr);
  }
});

test('text of a foreign store cannot steer the terminal', async (t) => {
  const cwd = tempDir(t);
  const images = { x86_64: 'a' };
  const entry = { name: 'a', title: '\u001b[2Jx', description: 'one\n\u001b]0;y\u0007two', images };
  writeFileSync(join(cwd, 's.json'), JSON.stringify({ functions: [entry] }));
  const flags = ['--url', 's.json', '-p', 'x86_64'];
  assert.ok(!(await runInTest(['store', 'list', ...flags], { cwd })).stdout.includes('\u001b'));
  assert.match((await runInTest(['store', 'describe', 'a', ...flags], { cwd })).stdout, /\none\n\]0;ytwo\n/);
});

test('deploy builds the source beside the store and deploys it, flags outranking the store', async (t) => {
  const settings = {
    environment: { A: '1', B: '2' },
    labels: { x: 'store' },
    annotations: { topic: 't' },
    readOnlyRootFilesystem: true,
  };
  const { state, deploy, url } = await createBench(t, settings);
  const flags = [
    '--name',
    'hello',
    '-n',
    'dev',
    '-e',
    'B=3',
    '-l',
    'y=flag',
    '--annotation',
    'topic=u',
    '--secret',
    's',
  ];
  const amounts = ['--memory-limit', '64Mi', '--cpu-request', '100m', '--constraint', 'zone=a'];
  const { exitCode, stdout, stderr } = await deploy('Greeting', ...flags, ...amounts);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stdout, `URL: ${url}/function/hello.dev\n`);
  assert.deepEqual(state.builds, [
    {
      config: { image: 'mine/greet:3', namespace: 'dev', buildArgs: {}, lang: 'node' },
      files: { 'context/handler.js': 'module.exports = async () => "hi"' },
    },
  ]);
  assert.deepEqual(state.functions.get('hello'), {
    service: 'hello',
    image: 'mine/greet:3',
    namespace: 'dev',
    envVars: { A: '1', B: '3' },
    secrets: ['s'],
    labels: { x: 'store', y: 'flag' },
    annotations: { topic: 'u' },
    constraints: ['zone=a'],
    limits: { memory: '64Mi' },
    requests: { cpu: '100m' },
    readOnlyRootFilesystem: true,
  });
});

test('a function that is there is updated, kept with --no-update, or replaced', async (t) => {
  const { state, deploy } = await createBench(t);
  for (const flags of [[], [], ['--replace']]) assert.equal((await deploy('greet', ...flags)).exitCode, 0);
  const kept = await deploy('greet', '--no-update');
  assert.deepEqual([kept.exitCode, /function greet exists already/.test(kept.stderr)], [5, true]);
  assert.equal(state.revisions.get('greet')?.length, 3);
  assert.equal((await deploy('greet', '--no-update', '--name', 'other')).exitCode, 0);
});

test('a source that leaves the folder of its store is not sent', async (t) => {
  for (const source of ['..', '/etc', 'link']) {
    const { state, deploy, cwd } = await createBench(t, { source });
    symlinkSync('/etc', join(cwd, 'link'));
    const { exitCode, stderr } = await deploy('greet');
    assert.deepEqual([exitCode, /leaves the folder of store\.json/.test(stderr), state.builds.length], [2, true, 0]);
  }
});

test('a store from elsewhere cannot have files of this machine sent', async (t) => {
  const { state, cwd, url } = await createBench(t);
  const store = await serve(t, (_request, response) => {
    response.end(readFileSync(join(cwd, 'store.json')));
  });
  const env = { OPENFAAS_URL: url, TINDERBOX_DATA_DIR: cwd };
  assert.equal((await runInTest(['store', 'deploy', 'greet', '--url', store], { cwd, env })).exitCode, 0);
  assert.deepEqual([state.builds.length, state.functions.get('greet')?.image], [0, 'mine/greet:3']);
});

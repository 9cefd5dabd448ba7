import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { fakeLogin, startFakePlatform } from '../testing/fake-platform.ts';
import { type CliRun, runInTest } from '../testing/test-shell.ts';

const stack = `provider: {name: openfaas}
functions:
  hello: {lang: node, handler: ./hello, image: 'hello:1'}
  other: {image: 'other:1', skip_build: true}
`;

interface Bench {
  /** Address of what the listener serves, ending in `/`. */
  readonly address: string;
  readonly run: (line: string) => Promise<CliRun>;
  readonly deployed: () => readonly string[];
}

async function createBench(t: TestContext, listener: RequestListener): Promise<Bench> {
  const { url, state } = await startFakePlatform(t);
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'password'), fakeLogin.password);
  mkdirSync(join(cwd, 'hello'));
  writeFileSync(join(cwd, 'hello', 'handler.js'), 'module.exports = async () => "hi"');
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const env = { OPENFAAS_URL: url, TINDERBOX_DATA_DIR: cwd };
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    run: (line) => runInTest(line.split(' '), { cwd, env }),
    deployed: () => [...state.functions.keys()],
  };
}

test('a stack file may be an address; its handlers are those of the current folder', async (t) => {
  const { address, run, deployed } = await createBench(t, (request, response) => {
    if (request.url === '/stack.yaml') response.end(stack);
    else response.writeHead(302, { location: '/stack.yaml' }).end();
  });
  const done = await run(`deploy -f ${address}moved --filter hello`);
  assert.equal(done.exitCode, 0, done.stderr);
  assert.deepEqual(deployed(), ['hello']);
  assert.equal((await run(`remove -f ${address}stack.yaml --regex ^he`)).exitCode, 0);
  assert.deepEqual(deployed(), []);
});

test('user and password of an address are sent to its server, and to nobody it redirects to', async (t) => {
  const seen: (string | undefined)[] = [];
  const elsewhere = await createBench(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end(stack);
  });
  const { address, run } = await createBench(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(302, { location: elsewhere.address }).end();
  });
  const { exitCode, stderr } = await run(`list -f ${address.replace('//', '//me:w%40rd@')}`);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(seen, [`Basic ${Buffer.from('me:w@rd').toString('base64')}`, undefined]);
});

test('an address that gives no stack file is told, and nothing of it is taken', async (t) => {
  let endless = 0;
  const { address, run } = await createBench(t, (request, response) => {
    const path = request.url ?? '';
    if (path === '/gone') return void response.writeHead(404).end();
    if (path === '/text') return void response.end('<html>');
    if (path === '/file') return void response.writeHead(301, { location: 'file:///etc/hostname' }).end();
    if (path === '/ring') return void response.writeHead(302, { location: '/ring' }).end();
    const more = (): void => {
      if (response.destroyed) return;
      endless += response.write('#'.repeat(65_536)) ? 65_536 : 0;
      setImmediate(more);
    };
    more();
  });
  for (const [path, exitCode, reason] of [
    ['gone', 6, /stack file http:\S+gone answered 404/],
    ['text', 2, /text/],
    ['file', 2, /redirects from http:\/\/ to file:\/\/\/etc\/hostname, which is not followed/],
    ['ring', 6, /redirects more than 5 times/],
    ['endless', 2, /has more than 1048576 bytes/],
  ] as const) {
    const { exitCode: code, stderr } = await run(`deploy -f ${address}${path}`);
    assert.equal(code, exitCode, stderr);
    assert.match(stderr, reason);
  }
  assert.ok(endless < 64 * 2 ** 20);
  const unreachable = await run('deploy -f http://name:word@127.0.0.1:1/stack.yaml');
  assert.equal(unreachable.exitCode, 6);
  assert.match(unreachable.stderr, /cannot be reached/);
  assert.doesNotMatch(unreachable.stderr, /word/);
});

test('commands that only need the gateway of a stack file take the choice of its functions too', async (t) => {
  const { address, run } = await createBench(t, (_, response) => void response.end(stack));
  for (const command of ['list', 'describe hello', 'ready', 'invoke hello', 'logs hello --tail=false', 'secret list']) {
    const missed = await run(`${command} -f ${address} --filter nope*`);
    assert.equal(missed.exitCode, 3, `${command}: ${missed.stderr}`);
    assert.match(missed.stderr, /no function of http:\S+ fits nope\*\nhint: it has: hello, other/);
  }
  assert.equal((await run(`list -f ${address} --regex ^o`)).exitCode, 0);
});

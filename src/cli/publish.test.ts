import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { extract } from 'tar-stream';
import { parse } from 'yaml';
import { createBench, type Bench } from '../../test/support/command-bench.ts';
import { createSealingKeys, unsealSecrets } from '../model/sealed-secrets.ts';
import { covers } from '../../test/support/covers.ts';

const stack = `functions:
  hello: {lang: node, handler: ./hello, image: "team/hello:1.0", build_secrets: {token: ./token}}
`;

async function createProject(t: TestContext): Promise<Bench> {
  const bench = await createBench(t);
  mkdirSync(join(bench.cwd, 'hello'));
  writeFileSync(join(bench.cwd, 'hello', 'handler.js'), 'module.exports = 1');
  writeFileSync(join(bench.cwd, 'token'), 's3cret\n');
  writeFileSync(join(bench.cwd, 'stack.yaml'), stack);
  return bench;
}

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly tar: Buffer;
}

/** A builder that speaks OpenFaaS's protocol and remembers what it was sent. */
async function startBuilder(t: TestContext, publicKey: string) {
  const received: Received[] = [];
  const asked: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url === '/publickey') {
      response.end(JSON.stringify({ key_id: publicKey.slice(0, 8), algorithm: 'nacl/box', public_key: publicKey }));
      return;
    }
    received.push({ headers: request.headers, tar: await buffer(request) });
    const events = [{ log: ['step one'], status: 'in_progress' }, { status: 'success' }];
    response.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, asked };
}

async function unpack(tar: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of Readable.from([tar]).pipe(extract())) files[entry.header.name] = await text(entry);
  return files;
}

test('publish builds under each tag, and push finds what was built', async (t) => {
  covers('command', 'publish', 'push');
  const { run, state } = await createProject(t);
  const missing = await run('push');
  assert.deepEqual([missing.exitCode, missing.stderr.includes('not on http')], [3, true]);
  const published = await run('publish --extra-tag edge --extra-tag 1 --platforms linux/amd64,linux/arm64 --quiet');
  assert.equal(published.exitCode, 0, published.stderr);
  assert.deepEqual(
    state.builds.map(({ config }) => config['image']),
    ['team/hello:1.0', 'team/hello:edge', 'team/hello:1'],
  );
  assert.deepEqual(state.builds[0]?.config['platforms'], ['linux/amd64', 'linux/arm64']);
  assert.match((await run('push --parallel 2')).stdout, /^team\/hello:1\.0 is on http.* as sha256:abc\n$/);
  assert.equal((await run('push --quiet')).stdout, '');
  assert.equal((await run('push --tag digest')).exitCode, 3);
});

test('every command that builds on the platform seals the secrets of a build for it', async (t) => {
  const { run, state, cwd } = await createProject(t);
  for (const line of ['build', 'publish', 'deploy', 'up -f stack.yaml', 'up --skip-deploy --skip-push']) {
    const built = await run(line);
    assert.equal(built.exitCode, 0, `${line}: ${built.stderr}`);
    const sealed = state.builds.pop()?.files['com.openfaas.secrets'] ?? '';
    assert.deepEqual(unsealSecrets(state.sealing.privateKey, parse(sealed)), { token: Buffer.from('s3cret\n') }, line);
  }
  rmSync(join(cwd, 'token'));
  assert.match((await run('build')).stderr, /build secret "token" cannot be read/);
});

test('a remote builder gets a signed tar, and secrets of the build sealed for its key', async (t) => {
  const { run, state, cwd } = await createProject(t);
  const keys = createSealingKeys();
  const builder = await startBuilder(t, keys.publicKey);
  writeFileSync(join(cwd, 'payload'), 'shared\n');
  const built = await run(`publish --remote-builder ${builder.url}/ --payload-secret payload`);
  assert.equal(built.exitCode, 0, built.stderr);
  assert.match(built.stderr, /hello: step one\n/);
  assert.equal(state.builds.length, 0);
  const [sent] = builder.received;
  assert.ok(sent);
  const expected = createHmac('sha256', 'shared').update(sent.tar).digest('hex');
  assert.deepEqual([sent.headers['x-build-signature'], sent.headers.authorization], [`sha256=${expected}`, undefined]);
  const files = await unpack(sent.tar);
  assert.equal(files['context/handler.js'], 'module.exports = 1');
  assert.deepEqual(unsealSecrets(keys.privateKey, parse(files['com.openfaas.secrets'] ?? '')), {
    token: Buffer.from('s3cret\n'),
  });
  assert.ok(!sent.tar.includes('s3cret'));
});

test('a remote builder may be named with /build behind it, and one that refuses the signature is not a matter of a login', async (t) => {
  const { run, cwd } = await createProject(t);
  const builder = await startBuilder(t, createSealingKeys().publicKey);
  writeFileSync(join(cwd, 'payload'), 'shared');
  const built = await run(`publish --remote-builder ${builder.url}/build/ --payload-secret payload`);
  assert.equal(built.exitCode, 0, built.stderr);
  assert.deepEqual(builder.asked, ['GET /publickey', 'POST /build']);
  const server = createServer((_, response) => response.writeHead(401).end('invalid credentials')).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  t.after(() => server.close());
  const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const refused = await run(`publish --builder-public-key ${createSealingKeys().publicKey} --payload-secret payload`, {
    env: { OPENFAAS_REMOTE_BUILDER: other },
  });
  assert.equal(refused.exitCode, 4);
  assert.match(refused.stderr, /the builder http:\S+ does not take what payload signs\nhint: .*payload-secret/);
});

test('builder, secret and key may come from the environment, and the key need not be asked for', async (t) => {
  covers('variable', 'faas-cli OPENFAAS_REMOTE_BUILDER', 'faas-cli OPENFAAS_PAYLOAD_SECRET');
  covers('variable', 'faas-cli OPENFAAS_BUILDER_PUBLIC_KEY');
  const { run, cwd } = await createProject(t);
  const keys = createSealingKeys();
  const builder = await startBuilder(t, keys.publicKey);
  writeFileSync(join(cwd, 'payload'), 'shared');
  writeFileSync(join(cwd, 'key.json'), JSON.stringify({ public_key: keys.publicKey }));
  const env = { OPENFAAS_REMOTE_BUILDER: builder.url, OPENFAAS_PAYLOAD_SECRET: 'payload' };
  assert.equal((await run('publish', { env: { ...env, OPENFAAS_BUILDER_PUBLIC_KEY: keys.publicKey } })).exitCode, 0);
  assert.equal((await run('publish --builder-public-key key.json', { env })).exitCode, 0);
  assert.deepEqual(builder.asked, ['POST /build', 'POST /build']);
  const unsigned = await run('publish', { env: { OPENFAAS_REMOTE_BUILDER: builder.url } });
  assert.match(unsigned.stderr, /takes signed builds only: --payload-secret is missing/);
  assert.match(
    (await run('publish --builder-public-key short', { env })).stderr,
    /public key is not base64 of 32 bytes/,
  );
  assert.match((await run('publish --payload-secret nope', { env })).stderr, /--payload-secret nope cannot be read/);
});

test('what belongs to containers is taken with a warning, and a shrink-wrap sends nothing', async (t) => {
  const { run, state, cwd } = await createProject(t);
  const words = '--squash --pull --build-label a=b --reset-qemu --shrinkwrap';
  const wrapped = await run(`publish ${words}`);
  assert.equal(wrapped.exitCode, 0);
  assert.equal(wrapped.stderr.match(/means nothing here/g)?.length, 4);
  assert.equal(readFileSync(join(cwd, 'build/hello/handler.js'), 'utf8'), 'module.exports = 1');
  assert.equal(state.builds.length, 0);
});

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { covers } from '../support/covers.ts';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform, usePlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** Answers the number that was sent, after a moment, and so tells the receiver which calls ran. */
const echo = {
  'handler.js': `module.exports = async (event) => {
  await new Promise((done) => setTimeout(done, 5));
  return String(event.body);
};
`,
};

/** Receives callbacks on loopback and counts what they brought. */
async function receiver(t: TestContext): Promise<{ url: string; got: Map<string, number>; headers: string[] }> {
  const got = new Map<string, number>();
  const headers: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      got.set(body, (got.get(body) ?? 0) + 1);
      headers.push(...Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}`));
      response.end();
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, got, headers };
}

const withCallbacks = ['--queue-callback-ranges', '127.0.0.1'];

function send(platform: TestPlatform, path: string, body: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${platform.url}/async-function/${path}`, { method: 'POST', body, headers });
}

suite('calls nobody waits for', { concurrency: 2 }, () => {
  test('a sleeping function is woken by one, and its answer goes to the callback', async (t) => {
    covers('endpoint', 'POST /async-function/{name}');
    const platform = await usePlatform(t, withCallbacks);
    const { url, got, headers } = await receiver(t);
    await deployFiles(platform, 'echo', echo);
    const body = JSON.stringify({ serviceName: 'echo', replicas: 0 });
    await platform.fetch('/system/scale-function/echo', { method: 'POST', body });
    const accepted = await send(platform, 'echo/some/path', 'hello', { 'X-Callback-Url': url });
    assert.equal(accepted.status, 202);
    assert.equal(await accepted.text(), '');
    const callId = accepted.headers.get('x-call-id') ?? '';
    assert.match(accepted.headers.get('x-start-time') ?? '', /^\d{19}$/);
    await until('the callback', () => got.get('hello') === 1);
    const secret = readFileSync(join(platform.stateDir, 'callback-secret'), 'utf8').trim();
    const signature = createHmac('sha256', secret).update('hello').digest('hex');
    for (const line of [
      `x-call-id: ${callId}`,
      'x-function-status: 200',
      'x-function-name: echo.openfaas-fn',
      `x-openfaas-signature-256: sha256=${signature}`,
    ]) {
      assert.ok(headers.includes(line), `${line} in ${headers.join('; ')}`);
    }
  });

  test('one that was put off can be cancelled by who may, and by nobody else', async (t) => {
    covers('endpoint', 'DELETE /async-function/{call-id}');
    const platform = await usePlatform(t, withCallbacks);
    await deployFiles(platform, 'echo', echo);
    const { url, got } = await receiver(t);
    const later = await send(platform, 'echo', 'later', { 'X-Callback-Url': url, 'X-Delay': '1h' });
    const soon = await send(platform, 'echo', 'soon', { 'X-Callback-Url': url, 'X-Delay': '1s' });
    assert.deepEqual([later.status, soon.status], [202, 202]);
    const listed = await platform.cli(['invocations', 'list', 'echo', '--state', 'delayed']);
    assert.match(
      listed.stdout,
      new RegExp(`^${later.headers.get('x-call-id')} +echo\\.openfaas-fn +delayed +- +0 `, 'm'),
    );
    const path = `/async-function/${later.headers.get('x-call-id')}`;
    assert.equal((await fetch(platform.url + path, { method: 'DELETE' })).status, 401);
    assert.equal((await platform.fetch(path, { method: 'DELETE' })).status, 202);
    assert.equal((await platform.fetch(path, { method: 'DELETE' })).status, 404);
    await until('the other one', () => got.get('soon') === 1);
    const soonId = soon.headers.get('x-call-id') ?? '';
    const done = await platform.cli(['invocations', 'wait', soonId]);
    assert.equal(done.stdout, `Call ${soonId} is done with status 200.\n`);
    assert.match((await platform.cli(['invocations', 'show', soonId])).stdout, /response:\nsoon\n/);
    assert.equal(got.get('later'), undefined);
  });

  test('how often, when and for which answers a call is tried again is up to the function', async (t) => {
    covers('annotation', 'com.openfaas.retry.attempts', 'com.openfaas.retry.codes');
    covers('annotation', 'com.openfaas.retry.min_wait', 'com.openfaas.retry.max_wait');
    const platform = await usePlatform(t, withCallbacks);
    const { url, headers } = await receiver(t);
    const prefix = 'com.openfaas.retry.';
    const annotations = { [`${prefix}attempts`]: '3', [`${prefix}codes`]: '418', [`${prefix}min_wait`]: '50ms' };
    const teapot = "module.exports = async (event, context) => context.status(418).succeed('no coffee');";
    await deployFiles(
      platform,
      'teapot',
      { 'handler.js': teapot },
      {
        spec: { annotations: { ...annotations, [`${prefix}max_wait`]: '100ms' } },
      },
    );
    const begunMs = Date.now();
    const accepted = await send(platform, 'teapot', 'please', { 'X-Callback-Url': url });
    await until('the last answer', () => headers.includes('x-function-status: 418'));
    assert.ok(headers.includes('x-retry: 2'), headers.join('; '));
    assert.ok(Date.now() - begunMs >= 25 + 50, 'it waited before each of two more attempts');
    const callId = accepted.headers.get('x-call-id') ?? '';
    const waited = await platform.cli(['invocations', 'wait', callId]);
    assert.equal(waited.code, 1);
    assert.match(waited.stderr, /is dead: status 418 from the function at attempt 3 of 3/);
    const letters = await platform.cli(['invocations', 'dead-letters', 'teapot', '-o', 'name']);
    assert.equal(letters.stdout, `${callId}\n`);
    assert.equal((await platform.cli(['invocations', 'replay', callId])).code, 0);
    await until(
      'it to be given up again',
      async () => (await platform.cli(['invocations', 'wait', callId])).code === 1,
    );
    assert.match(
      (await platform.cli(['invocations', 'purge', 'teapot'])).stdout,
      /^Removed 1 dead letter of teapot\.$/m,
    );
    const bad = { service: 'teapot', image: 'teapot:1', annotations: { [`${prefix}codes`]: 'all' } };
    const refused = await platform.fetch('/system/functions', { method: 'PUT', body: JSON.stringify(bad) });
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /com\.openfaas\.retry\.codes "all"/);
  });

  test('what was accepted runs at least once, however often the platform is killed meanwhile', async (t) => {
    let platform = await startPlatform(withCallbacks);
    t.after(() => platform.dispose());
    await deployFiles(platform, 'echo', echo);
    const { url, got } = await receiver(t);
    const accepted: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const sending = Promise.allSettled(
        Array.from({ length: 200 }, async (_, i) => {
          const body = `${round}-${i}`;
          const answer = await send(platform, 'echo', body, { 'X-Callback-Url': url });
          if (answer.status === 202) accepted.push(body);
        }),
      );
      const before = accepted.length;
      await until('some to be accepted', () => accepted.length > before + 20 * round);
      await platform.kill();
      await sending;
      platform = await platform.restart();
    }
    const missing = (): string[] => accepted.filter((body) => !got.has(body));
    await until('all callbacks', () => missing().length === 0, 60_000);
    const more = [...got.values()].filter((count) => count > 1).length;
    t.diagnostic(`${accepted.length} accepted, ${got.size} executed, ${more} more than once, 0 lost`);
    assert.ok(accepted.length >= 60);
  });
});

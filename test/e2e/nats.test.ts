import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { useCutProxy } from '../support/cut-proxy.ts';
import { deployFiles } from '../support/deploy.ts';
import { useNats } from '../support/nats-server.ts';
import { startPlatform, type TestPlatform, usePlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** Tells the receiver what it was called with, and lets the call last a moment. */
const tell = (url: string): Record<string, string> => ({
  'handler.js': `module.exports = async (event) => {
  await fetch('${url}', { method: 'POST', body: event.headers['x-schedule-time'] ?? String(event.body) });
  await new Promise((done) => setTimeout(done, 20));
  return 'ok';
};
`,
});

/** Counts what it is told. */
async function receiver(t: TestContext): Promise<{ url: string; got: Map<string, number> }> {
  const got = new Map<string, number>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      got.set(body, (got.get(body) ?? 0) + 1);
      response.end();
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, got };
}

const flagsFor = (port: number): string[] => ['--nats', `nats://127.0.0.1:${port}`, '--nats-lease', '3s'];

function send(platform: TestPlatform, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const signal = AbortSignal.timeout(30_000);
  return fetch(`${platform.url}/async-function/tell`, { method: 'POST', body, headers, signal });
}

/** While NATS is still there: without it a platform waits for it until its time to stop is over. */
async function stop(...platforms: readonly TestPlatform[]): Promise<void> {
  await Promise.all(platforms.map((platform) => platform.stop()));
}

/** Bodies of those that were accepted; what became of the others nobody knows. */
async function sendMany(platform: TestPlatform, bodies: readonly string[]): Promise<string[]> {
  const accepted: string[] = [];
  await Promise.allSettled(
    bodies.map(async (body) => {
      if ((await send(platform, body)).status === 202) accepted.push(body);
    }),
  );
  return accepted;
}

const named = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

const inFlight = 512;

function account(t: TestContext, accepted: readonly string[], got: ReadonlyMap<string, number>): void {
  const lost = accepted.filter((body) => !got.has(body));
  const more = [...got.values()].filter((count) => count > 1).length;
  t.diagnostic(`${accepted.length} accepted, ${got.size} executed, ${more} more than once, ${lost.length} lost`);
  assert.deepEqual(lost, []);
  assert.ok(more <= inFlight, `${more} ran more than once`);
}

suite('stored calls in NATS', { concurrency: 2 }, () => {
  test('two platforms share the calls of a function; one is killed, and every call still runs', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    const { url, got } = await receiver(t);
    const [one, two] = [await startPlatform(flagsFor(server.port)), await usePlatform(t, flagsFor(server.port))];
    t.after(() => one.dispose());
    await Promise.all([one, two].map((platform) => deployFiles(platform, 'tell', tell(url))));
    const accepted = await Promise.all([sendMany(one, named('one', 100)), sendMany(two, named('two', 100))]);
    assert.equal(accepted.flat().length, 200);
    await until('some to be done', () => got.size > 10, 30_000);
    await one.kill();
    const missing = (): string[] => accepted.flat().filter((body) => !got.has(body));
    await until('all to be done', () => missing().length === 0, 60_000);
    account(t, accepted.flat(), got);
    const queue = async (): Promise<unknown> => await (await two.fetch('/system/queue')).json();
    await until('nothing to be left', async () => JSON.stringify(await queue()) === '[]', 30_000);
    const listed = await two.cli(['invocations', 'list', 'tell', '--state', 'done', '-o', 'json']);
    assert.match(listed.stdout, /"done"/);
    const { stdout } = await two.cli(['version']);
    assert.match(stdout, /^stored calls: NATS \d.*stream tinderbox_queue, 1 copy\n {2}but .*sync_interval/m);
    await stop(two);
  });

  test('a schedule that two platforms fire makes one call each time', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    const { url, got } = await receiver(t);
    const platforms = [await usePlatform(t, flagsFor(server.port)), await usePlatform(t, flagsFor(server.port))];
    const spec = { annotations: { topic: 'cron-function', schedule: '* * * * * *' } };
    await Promise.all(platforms.map((platform) => deployFiles(platform, 'tell', tell(url), { spec })));
    await until('several seconds', () => got.size >= 5, 30_000);
    assert.deepEqual(
      [...got.values()].filter((count) => count > 1),
      [],
      JSON.stringify([...got]),
    );
    await stop(...platforms);
  });

  test('nats-server is killed while calls come in: what was accepted runs, the rest is refused, and others go on', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    const { url, got } = await receiver(t);
    const platform = await usePlatform(t, flagsFor(server.port));
    await deployFiles(platform, 'tell', tell(url));
    const accepted: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const sending = sendMany(platform, named(`round${round}`, 100));
      await until('some to be stored', () => got.size > 50 * round);
      await server.kill();
      accepted.push(...(await sending));
      const refused = await until('it to be noticed', async () => {
        const answer = await send(platform, 'refused');
        return answer.status === 503 && answer;
      });
      assert.ok(Number(refused.headers.get('retry-after')) >= 1);
      const beganMs = performance.now();
      assert.equal((await send(platform, 'refused')).status, 503);
      assert.ok(performance.now() - beganMs < 2000, 'it is refused at once');
      const sync = await fetch(`${platform.url}/function/tell`, { method: 'POST', body: `sync${round}` });
      assert.equal(sync.status, 200);
      await server.start();
      await until(
        'calls to be taken again',
        async () => {
          const body = `after${round}`;
          const { status } = await send(platform, body);
          if (status === 202) accepted.push(body);
          return status === 202;
        },
        30_000,
      );
    }
    const missing = (): string[] => accepted.filter((body) => !got.has(body));
    await until('all to be done', () => missing().length === 0, 60_000);
    account(t, accepted, got);
    await stop(platform);
  });

  test('the way to NATS is cut: calls are refused in bounded time, others go on, and after it nothing is lost', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    const { url, got } = await receiver(t);
    const proxy = await useCutProxy(t, server.port);
    const platform = await usePlatform(t, flagsFor(proxy.port));
    await deployFiles(platform, 'tell', tell(url));
    const accepted = await sendMany(platform, named('before', 60));
    proxy.cut();
    const beganMs = performance.now();
    const refused = await send(platform, 'into the void');
    assert.equal(refused.status, 503);
    assert.ok(performance.now() - beganMs < 20_000);
    const sync = await fetch(`${platform.url}/function/tell`, { method: 'POST', body: 'sync' });
    assert.equal(sync.status, 200);
    proxy.mend();
    await until('calls to be taken again', async () => (await sendMany(platform, ['after'])).length === 1, 30_000);
    accepted.push('after');
    const missing = (): string[] => accepted.filter((body) => !got.has(body));
    await until('all to be done', () => missing().length === 0, 60_000);
    account(t, accepted, got);
    await stop(platform);
  });

  test('a platform starts without NATS, and is joined by it later; what will never do stops it', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    await server.kill();
    const { url, got } = await receiver(t);
    const platform = await usePlatform(t, flagsFor(server.port));
    await deployFiles(platform, 'tell', tell(url));
    assert.equal((await send(platform, 'early')).status, 503);
    await server.start();
    await until('calls to be taken', async () => (await send(platform, 'late')).status === 202, 30_000);
    await until('it to be done', () => got.has('late'));
    await stop(platform);
    await assert.rejects(startPlatform(['--nats', 'nats://me:s3cret@127.0.0.1:4222/x']), (error: Error) => {
      assert.match(error.message, /ended with 78[^]*setting nats has "nats:\/\/…@127\.0\.0\.1:4222\/x"/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  });
});

import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { until } from '../../test/support/until.ts';
import type { Invocation, Invoke, Reply } from '../model/invocation.ts';
import { TinderboxError } from '../model/errors.ts';
import { defaultRetrySettings } from '../model/retry-settings.ts';
import { type AsyncCalls, createAsyncCalls } from './async-calls.ts';
import { testJob, testLimits } from './conformance.ts';
import type { CallPayload, Job } from './job.ts';
import { createAddressRule } from './public-address.ts';
import { createSqliteQueue } from './sqlite/sqlite-queue.ts';

const quick = { ...defaultRetrySettings, attempts: 3, minWaitMs: 5, maxWaitMs: 10 };

function answer(status: number, body = '', headers: readonly string[] = []): Reply {
  return { kind: 'buffered', status, headers, origin: 'function', body: Buffer.from(body), trailers: [] };
}

interface World {
  readonly calls: AsyncCalls;
  readonly invoked: Invocation[];
}

/** Calls over a real queue; `handle` stands for all functions. */
const sign = (body: Uint8Array): string => `signed: ${Buffer.from(body).toString()}`;

function createWorld(
  t: TestContext,
  handle: (call: Invocation, count: number) => Promise<Reply> | Reply,
  { timeoutMs } = { timeoutMs: 5000 },
): World {
  const invoked: Invocation[] = [];
  const invoke: Invoke = async (call) => {
    invoked.push(call);
    return await handle(call, invoked.length);
  };
  const file = join(tempDir(t), 'queue.db');
  const limits = { ...testLimits, laneJobs: 1000, laneBytes: 1_000_000, deadLetters: 100, history: 10 };
  const calls = createAsyncCalls({
    open: () => createSqliteQueue({ file, limits }),
    invoke,
    replyBytes: 10,
    callbacks: { isAllowed: createAddressRule(['127.0.0.1']), timeoutMs, agent: 'tinderbox/test', sign },
    settingsOf: () => ({ retry: quick, memoryBytes: 2 ** 29, queue: 'default' }),
    dedicated: new Map(),
    ownPath: (url) => (url.hostname === 'gateway' ? { key: 'back.ns', target: url.pathname } : undefined),
    now: Date.now,
    random: () => 0,
  });
  t.after(() => calls.close(AbortSignal.abort()));
  return { calls, invoked };
}

function jobWith(id: string, payload: Partial<CallPayload>, part: Partial<Job> = {}): Job {
  return { ...testJob(id, part), payload: { ...(testJob(id).payload as CallPayload), ...payload } };
}

const isEmpty = async ({ calls }: World): Promise<boolean> => (await calls.depth()).length === 0;

test('a stored call reaches its function as it was sent, once', async (t) => {
  const world = createWorld(t, () => answer(200));
  const before = Date.now();
  await world.calls.accept(testJob('one', { dueMs: before, createdMs: before }));
  await until('the call to be done', () => isEmpty(world));
  assert.equal(world.invoked.length, 1);
  const [call] = world.invoked;
  assert.ok(call !== undefined);
  assert.deepEqual(
    { id: call.id, function: call.function, method: call.method, target: call.target, source: call.source },
    { id: 'one', function: 'a.ns', method: 'POST', target: '/x', source: 'async' },
  );
  assert.equal((call.body as Buffer).toString(), 'body of one');
  assert.equal(await world.calls.accept(testJob('one')), true, 'an id that was not to be remembered is new again');
});

test('a refusal is tried again until it is taken', async (t) => {
  const world = createWorld(t, (_call, count) => {
    if (count === 1) throw new TinderboxError('host-full', 'no room');
    return count === 2 ? answer(503) : answer(200);
  });
  await world.calls.accept(testJob('one', { createdMs: Date.now() }));
  await until('the call to be done', () => isEmpty(world));
  assert.equal(world.invoked.length, 3);
  assert.deepEqual(await (await world.calls.deadLetters()).list({ limit: 10 }), []);
});

test('a call that fails to the end becomes a dead letter, and can be replayed', async (t) => {
  let healthy = false;
  const world = createWorld(t, () => answer(healthy ? 200 : 500, 'broken'));
  await world.calls.accept(testJob('one', { createdMs: Date.now() }));
  await until('the call to be given up', () => isEmpty(world));
  assert.equal(world.invoked.length, 3);
  const letters = await world.calls.deadLetters();
  assert.match((await letters.get('one'))?.reason ?? '', /status 500 from the function at attempt 3 of 3/);
  healthy = true;
  assert.equal(await letters.replay('one'), true);
  await until('the replay to be done', async () => world.invoked.length === 4 && (await isEmpty(world)));
});

test('the age of a call counts from when it was to run first, and from its replay', async (t) => {
  const world = createWorld(t, () => answer(500));
  const longAgo = Date.now() - 48 * 3_600_000;
  await world.calls.accept(jobWith('old', {}, { createdMs: longAgo }));
  await until('it to be given up', () => isEmpty(world));
  const letters = await world.calls.deadLetters();
  assert.match((await letters.get('old'))?.reason ?? '', /older than/);
  await world.calls.accept(jobWith('put-off', { sinceMs: Date.now() }, { createdMs: longAgo }));
  await until('it to be given up', () => isEmpty(world));
  assert.match((await letters.get('put-off'))?.reason ?? '', /at attempt 3 of 3/);
  assert.equal(await letters.replay('old'), true);
  await until('the replay to be given up', () => isEmpty(world));
  assert.match((await letters.get('old'))?.reason ?? '', /at attempt 3 of 3/);
});

test('a record tells what the attempts used of an instance, and nothing for those that got none', async (t) => {
  const world = createWorld(t, async (call, count) => {
    if (count === 1) throw new TinderboxError('host-full', 'no room');
    call.onBegin?.();
    await new Promise((done) => setTimeout(done, 20));
    return answer(count === 2 ? 500 : 200, 'answer');
  });
  await world.calls.accept(testJob('one', { createdMs: Date.now() }));
  await until('the call to be done', () => isEmpty(world));
  const view = await (await world.calls.history()).get('one');
  assert.equal(view?.attempts, 3);
  const { billedMs, gbSeconds } = view.used;
  assert.ok(Number.isInteger(billedMs) && billedMs >= 38 && billedMs < 20_000, `${billedMs} ms of two attempts`);
  assert.equal(gbSeconds.toFixed(9), ((billedMs / 1000) * 0.5).toFixed(9));
});

/** A receiver of callbacks on loopback. */
async function receive(
  t: TestContext,
): Promise<{ url: string; got: { headers: IncomingHttpHeaders; body: string }[]; fail: number[] }> {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  const fail: number[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      got.push({ headers: request.headers, body });
      response.writeHead(fail.shift() ?? 200, { Location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/done?x=1`, got, fail };
}

test('an answer is posted to where it was asked for, with the function’s headers and what became of the call', async (t) => {
  const world = createWorld(t, () =>
    answer(201, 'made', [
      'Content-Type',
      'text/x',
      'X-Call-Id',
      'forged',
      'X-Openfaas-Signature-256',
      'forged',
      'Connection',
      'x',
    ]),
  );
  const { url, got } = await receive(t);
  await world.calls.accept(jobWith('one', { callbackUrl: url }, { createdMs: Date.now() }));
  await until('the callback', async () => got.length === 1 && (await isEmpty(world)));
  const [callback] = got;
  assert.equal(callback?.body, 'made');
  const { headers } = callback;
  assert.equal(headers['content-type'], 'text/x');
  assert.equal(headers['x-call-id'], 'one');
  assert.equal(headers['x-function-name'], 'a.ns');
  assert.equal(headers['x-function-status'], '201');
  assert.match(String(headers['x-duration-seconds']), /^\d+\.\d{6}$/);
  assert.deepEqual([headers['x-retry'], headers['x-retry-max']], ['0', '2']);
  assert.equal(headers['x-openfaas-signature-256'], 'signed: made');
  assert.equal(headers['user-agent'], 'tinderbox/test');
});

test('a callback that fails is tried again; one that is redirected is not followed', async (t) => {
  const world = createWorld(t, () => answer(200, 'x'));
  const { url, got, fail } = await receive(t);
  fail.push(503, 302);
  await world.calls.accept(jobWith('one', { callbackUrl: url }, { createdMs: Date.now() }));
  await until('the callback to be taken', async () => got.length === 2 && (await isEmpty(world)), 20_000);
});

test('a callback that was taken is not sent again, however its answer goes on', async (t) => {
  const world = createWorld(t, () => answer(200, 'x'), { timeoutMs: 200 });
  let got = 0;
  const server = createServer((_request, response) => {
    got += 1;
    response.writeHead(200).write('and so on');
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const callbackUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const createdMs = Date.now();
  await world.calls.accept(jobWith('one', { callbackUrl }, { createdMs }));
  await until('it to be taken', async () => got > 0 && (await isEmpty(world)));
  const view = await (await world.calls.history()).get(`one-${createdMs.toString(36)}.callback`);
  assert.deepEqual([view?.last?.status, view?.attempts, got], [200, 1, 1]);
});

test('a call that has the id of an earlier one gets its own callback, also while the earlier one’s is put off', async (t) => {
  const world = createWorld(t, (call) => answer(200, call.target));
  const { url, got, fail } = await receive(t);
  fail.push(503);
  const nowMs = Date.now();
  await world.calls.accept(jobWith('one', { callbackUrl: url, target: '/1' }, { createdMs: nowMs }));
  await until('the first callback to be refused', () => got.length === 1);
  await world.calls.accept(jobWith('one', { callbackUrl: url, target: '/2' }, { createdMs: nowMs + 1 }));
  await until('both callbacks', async () => got.length === 3 && (await isEmpty(world)), 20_000);
  assert.deepEqual(new Set(got.map(({ body }) => body)), new Set(['/1', '/2']));
});

test('a callback into the platform is a call, and needs no connection', async (t) => {
  const world = createWorld(t, () => answer(200, 'the answer'));
  await world.calls.accept(
    jobWith('one', { callbackUrl: 'http://gateway:8080/function/back' }, { createdMs: Date.now() }),
  );
  await until('both calls', async () => world.invoked.length === 2 && (await isEmpty(world)));
  const [, back] = world.invoked;
  assert.equal(back?.function, 'back.ns');
  assert.equal((back.body as Buffer).toString(), 'the answer');
  assert.equal(back.headers[back.headers.indexOf('X-Function-Status') + 1], '200');
});

test('the last answer of a call that is given up is posted too', async (t) => {
  const world = createWorld(t, () => answer(500, 'broken'));
  const { url, got } = await receive(t);
  await world.calls.accept(jobWith('one', { callbackUrl: url }, { createdMs: Date.now() }));
  await until('the callback', async () => got.length === 1 && (await isEmpty(world)));
  assert.equal(got[0]?.headers['x-function-status'], '500');
  assert.equal(got[0].body, 'broken');
});

test('a replay has a callback of its own, also while the one before is tried again', async (t) => {
  const world = createWorld(t, (_call, count) => answer(count <= 3 ? 500 : 200, 'x'));
  const { url, got, fail } = await receive(t);
  fail.push(503);
  await world.calls.accept(jobWith('one', { callbackUrl: url }, { createdMs: Date.now() }));
  await until('the first callback', () => got.length === 1);
  assert.equal(await (await world.calls.deadLetters()).replay('one'), true);
  await until('both to be taken', async () => got.length === 3 && (await isEmpty(world)), 20_000);
  assert.deepEqual(got.map(({ headers }) => headers['x-function-status']).sort(), ['200', '500', '500']);
});

test('an answer longer than what is kept is cut, says so, and is still read to its end', async (t) => {
  const stream = Readable.from([Buffer.from('0123456'), Buffer.from('789abc'), Buffer.from('def')]);
  const world = createWorld(t, () => ({
    kind: 'streaming',
    status: 200,
    headers: [],
    origin: 'function',
    body: stream,
    contentLength: undefined,
    trailers: () => [],
  }));
  const { url, got } = await receive(t);
  await world.calls.accept(jobWith('one', { callbackUrl: url }, { createdMs: Date.now() }));
  await until('the callback', () => got.length === 1);
  assert.equal(got[0]?.body, '0123456789');
  assert.equal(got[0].headers['x-tinderbox-truncated'], 'true');
  assert.equal(stream.readableEnded, true);
});

test('an address that is not public gets no callback', async (t) => {
  const world = createWorld(t, () => answer(200, 'x'));
  const { url, got } = await receive(t);
  const inside = new URL(url);
  inside.hostname = '127.0.0.2';
  await world.calls.accept(jobWith('one', { callbackUrl: inside.href }, { createdMs: Date.now() }));
  await until('the callback to be given up', () => isEmpty(world));
  const letter = (await (await world.calls.deadLetters()).list({ limit: 10 })).find(({ id }) =>
    id.endsWith('.callback'),
  );
  assert.match(letter?.reason ?? '', /callbacks to 127\.0\.0\.2 are not allowed/);
  assert.equal(letter?.attempt, 1);
  assert.deepEqual(got, []);
});

test('a running call that is cancelled is stopped and leaves nothing behind', async (t) => {
  const begun = Promise.withResolvers<void>();
  const file = join(tempDir(t), 'queue.db');
  const calls = createAsyncCalls({
    open: () =>
      createSqliteQueue({
        file,
        limits: { ...testLimits, laneJobs: 10, laneBytes: 1000, deadLetters: 10, history: 10 },
      }),
    invoke: (_call, signal) => {
      begun.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
    replyBytes: 10,
    callbacks: { isAllowed: () => false, timeoutMs: 1000, agent: '' },
    settingsOf: () => ({ retry: quick, memoryBytes: 2 ** 29, queue: 'default' }),
    dedicated: new Map(),
    ownPath: () => undefined,
    now: Date.now,
    random: () => 0,
  });
  t.after(() => calls.close(AbortSignal.abort()));
  await calls.accept(jobWith('one', { callbackUrl: 'http://example.com/' }, { createdMs: Date.now() }));
  await begun.promise;
  assert.equal(await calls.cancel('one'), true);
  assert.equal(await calls.cancel('one'), false);
  assert.deepEqual(await calls.depth(), []);
  await calls.close(new AbortController().signal);
});

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { credentials, rawClient, startEdge } from '../../test/support/edge.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Job } from '../queue/job.ts';
import type { AsyncDoor } from './async-call.ts';

/** An edge whose queue remembers what it was given. */
async function edgeWithQueue(t: TestContext, changes: Partial<AsyncDoor> = {}) {
  const jobs: Job[] = [];
  const canceled: string[] = [];
  const door: AsyncDoor = {
    accept: (job) => Promise.resolve(jobs.push(job) > 0),
    cancel: (id) => Promise.resolve(canceled.push(id) > 0 && id !== 'unknown'),
    bodyBytes: 100,
    ...changes,
  };
  const edge = await startEdge(t, 1, { gateway: { async: door } });
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${edge.url}/async-function/${path}`, { method: 'POST', ...init });
  return { edge, jobs, canceled, call };
}

test('a call nobody waits for is answered 202 with its id once it is stored', async (t) => {
  const { jobs, call } = await edgeWithQueue(t);
  const response = await call('echo/a/b?c=d', { body: 'hello', headers: { 'X-Call-Id': 'my-id', 'X-Own': 'yes' } });
  assert.equal(response.status, 202);
  assert.equal(response.headers.get('x-call-id'), 'my-id');
  assert.match(response.headers.get('x-start-time') ?? '', /^\d{19}$/);
  assert.equal(await response.text(), '');
  const [job] = jobs;
  assert.equal(job?.id, 'my-id');
  assert.equal(job.lane, 'echo.openfaas-fn');
  assert.equal(Buffer.from(job.body).toString(), 'hello');
  assert.ok(job.payload.kind === 'call');
  assert.equal(job.payload.target, '/a/b?c=d');
  const at = job.payload.headers.indexOf('X-Own') + job.payload.headers.indexOf('x-own');
  assert.ok(at >= 0, 'headers go along');
});

test('a body of unknown length is stored too, and one over the limit is refused without being stored', async (t) => {
  const { edge, jobs, call } = await edgeWithQueue(t);
  const client = await rawClient(t, edge.port);
  client.write(
    'POST /async-function/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  );
  await client.until('202 Accepted');
  assert.equal(Buffer.from(jobs[0]?.body ?? []).toString(), 'abc');
  const refused = await call('echo', { body: 'x'.repeat(101) });
  assert.equal(refused.status, 413);
  assert.match(await refused.text(), /100 bytes/);
  const chunked = await rawClient(t, edge.port);
  chunked.write(
    `POST /async-function/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n${'y'.repeat(101)}\r\n0\r\n\r\n`,
  );
  await chunked.until('413 ');
  assert.equal(jobs.length, 1);
});

test('what a client may ask for is checked before anything is stored', async (t) => {
  const { jobs, call } = await edgeWithQueue(t);
  const bad: [Record<string, string>, RegExp][] = [
    [{ 'X-Callback-Url': 'ftp://example.com/' }, /X-Callback-Url "ftp:/],
    [{ 'X-Callback-Url': 'nonsense' }, /X-Callback-Url/],
    [{ 'X-Callback-Url': 'http://me:secret@example.com/' }, /must not hold/],
    [{ 'X-Delay': 'soon' }, /X-Delay "soon"/],
    [{ 'X-Delay': '721h' }, /X-Delay "721h".*30 days/],
    [{ 'X-Schedule-At': 'tomorrow 5' }, /X-Schedule-At "tomorrow 5" is not a time such as/],
    [{ 'X-Schedule-At': '5' }, /X-Schedule-At "5" is not/],
    [{ 'X-Schedule-At': '2099-01-01T00:00:00' }, /X-Schedule-At "2099-01-01T00:00:00" is not/],
    [{ 'X-Schedule-At': '2099-01-01T00:00:00Z' }, /X-Schedule-At "2099-01-01T00:00:00Z".*30 days/],
    [{ 'X-Delay': '1s', 'X-Schedule-At': '2099-01-01T00:00:00Z' }, /exclude/],
    [{ 'X-Priority': '10' }, /X-Priority "10"/],
    [{ 'Idempotency-Key': 'a b' }, /Idempotency-Key/],
  ];
  for (const [headers, message] of bad) {
    const response = await call('echo', { headers });
    assert.equal(response.status, 400, JSON.stringify(headers));
    assert.match(await response.text(), message);
  }
  assert.equal((await call('unknown')).status, 404);
  assert.equal((await call('echo', { method: 'GET' })).status, 405);
  assert.equal(jobs.length, 0);
});

test('delay, priority and idempotency key become the job’s', async (t) => {
  const { jobs, call } = await edgeWithQueue(t);
  const before = Date.now();
  const headers = { 'X-Delay': '90s', 'X-Priority': '-3', 'Idempotency-Key': 'order-1' };
  const ids = [await call('echo', { headers }), await call('echo', { headers })].map((one) =>
    one.headers.get('x-call-id'),
  );
  assert.equal(ids[0], ids[1], 'the same key is the same call');
  const [job] = jobs;
  assert.ok(job !== undefined);
  assert.equal(job.id, ids[0]);
  assert.equal(job.priority, -3);
  assert.ok(job.dueMs >= before + 90_000 && job.dueMs < before + 150_000);
  assert.equal(job.payload.sinceMs, job.dueMs, 'its age counts from then');
  assert.ok(job.rememberMs > before + 3_600_000);
  await call('echo', { headers: { 'X-Schedule-At': new Date(before + 5000).toISOString() } });
  assert.equal(jobs[2]?.dueMs, before + 5000);
  assert.equal(jobs[2].rememberMs, 0);
});

test('calls of one X-Call-Id are calls of their own, and none has the id of something derived', async (t) => {
  const stored = new Map<string, Job>();
  const accept = (job: Job): Promise<boolean> => {
    if (stored.has(job.id)) return Promise.resolve(false);
    stored.set(job.id, job);
    return Promise.resolve(true);
  };
  const { call } = await edgeWithQueue(t, { accept });
  for (const id of ['mine', 'mine', 'mine', 'mine.callback', 'cron-0a', 'key-0a', 'nats-0a']) {
    const response = await call('echo', { body: id, headers: { 'X-Call-Id': id } });
    assert.equal(response.status, 202);
    const job = stored.get(response.headers.get('x-call-id') ?? '');
    assert.equal(Buffer.from(job?.body ?? []).toString(), id, 'what was answered 202 is stored under the answered id');
    assert.ok(job?.payload.kind === 'call');
    const at = job.payload.headers.findIndex((name) => name.toLowerCase() === 'x-call-id');
    assert.equal(job.payload.headers[at + 1], job.id, 'the function gets the same id');
  }
  assert.equal(stored.size, 7);
  assert.equal([...stored.keys()].filter((id) => /^(?:mine|[0-9a-f-]{36})$/.test(id)).length, 7);
  const keyed = { headers: { 'X-Call-Id': 'mine', 'Idempotency-Key': 'order-1' } };
  const first = (await call('echo', keyed)).headers.get('x-call-id') ?? '';
  assert.match(first, /^key-/);
  assert.ok(stored.get(first)?.payload.headers.includes(first));
  assert.equal((await call('echo', keyed)).headers.get('x-call-id'), first);
  assert.equal(stored.size, 8);
});

test('a queue that refuses is told to the client with when to come back', async (t) => {
  const accept = () => Promise.reject(new TinderboxError('queue-full', 'echo is full', { retryAfterMs: 2000 }));
  const { call } = await edgeWithQueue(t, { accept });
  const response = await call('echo');
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('retry-after'), '2');
});

test('only who has credentials can cancel a call', async (t) => {
  const { canceled, call } = await edgeWithQueue(t);
  assert.equal((await call('my-id', { method: 'DELETE' })).status, 401);
  assert.deepEqual(canceled, []);
  const authorized = { method: 'DELETE', headers: { Authorization: credentials } };
  assert.equal((await call('my-id', authorized)).status, 202);
  assert.equal((await call('unknown', authorized)).status, 404);
  assert.deepEqual(canceled, ['my-id', 'unknown']);
});

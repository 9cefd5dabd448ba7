import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type ApiWorld, createApiWorld } from '../../test/support/api-world.ts';
import { createStoredCalls } from '../../test/support/stored-calls.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { until } from '../../test/support/until.ts';
import type { InvocationStatus } from '../model/invocation-status.ts';
import type { AsyncCalls } from '../queue/async-calls.ts';
import { testJob } from '../queue/conformance.ts';

/** An API over a real queue, whose functions answer with the status that stands in the body. */
async function useWorld(t: TestContext): Promise<{ api: ApiWorld; calls: AsyncCalls }> {
  const dir = tempDir(t);
  const calls = createStoredCalls(dir, (call) => {
    const status = Number((call.body as Buffer).toString());
    const body = Buffer.from(`answer ${status}`);
    return Promise.resolve({ kind: 'buffered', status, headers: [], origin: 'function', body, trailers: [] });
  });
  const planned = { function: 'a.ns', owner: 'a.ns', expression: '@hourly', nextMs: 0 } as const;
  const api = await createApiWorld(tempDir(t), { calls, schedules: () => [planned] });
  t.after(async () => {
    await api.close();
    await calls.close(AbortSignal.abort());
  });
  return { api, calls };
}

const job = (id: string, status: number, dueMs = 0) =>
  testJob(id, { body: Buffer.from(String(status)), createdMs: Date.now(), dueMs });

test('what became of a stored call is told, with the beginning of its answer', async (t) => {
  const { api, calls } = await useWorld(t);
  await calls.accept(job('good', 201));
  const get = async (id: string): Promise<InvocationStatus> =>
    (await api.call('GET', `/system/invocations/${id}`)).json as InvocationStatus;
  await until('the call to be done', async () => (await get('good')).state === 'done');
  const { created, started, finished, durationMs, ...rest } = await get('good');
  assert.deepEqual(rest, {
    id: 'good',
    function: 'a.ns',
    state: 'done',
    attempts: 1,
    billedMs: 0,
    gbSeconds: 0,
    status: 201,
    response: 'answer 201',
    truncated: false,
  });
  assert.ok(Date.parse(started ?? '') >= Date.parse(created));
  assert.ok(Date.parse(finished ?? '') >= Date.parse(created) && (durationMs ?? -1) >= 0);
  assert.equal((await api.call('GET', '/system/invocations/none')).status, 404);
});

test('calls are listed by function and state, and a filter that is none is refused by name', async (t) => {
  const { api, calls } = await useWorld(t);
  await calls.accept(job('later', 200, Date.now() + 3_600_000));
  await calls.accept(job('good', 200));
  const list = async (query: string): Promise<string[]> =>
    ((await api.call('GET', `/system/invocations?${query}`)).json as InvocationStatus[]).map(({ id }) => id);
  await until('the call to be done', async () => (await list('state=done')).length === 1);
  assert.deepEqual(await list(''), ['good', 'later']);
  assert.deepEqual(await list('state=delayed,queued&function=a&namespace=ns'), ['later']);
  assert.deepEqual(await list('function=b.ns'), []);
  for (const [query, message] of [
    ['state=over', /state: "over" is not one of queued, /],
    ['limit=0', /limit: "0" is not a whole number from 1 to 1000/],
    ['function=A!', /function name "A!"/],
  ] as const) {
    const refused = await api.call('GET', `/system/invocations?${query}`);
    assert.equal(refused.status, 400);
    assert.match(refused.text, message);
  }
  assert.deepEqual((await api.call('GET', '/system/queue')).json, [
    { function: 'a.ns', jobs: 1, bytes: 3, queue: 'default', running: 0, limit: 16 },
  ]);
});

test('a call that waits is cancelled, a dead letter is replayed, and those of a function are purged', async (t) => {
  const { api, calls } = await useWorld(t);
  await calls.accept(job('later', 200, Date.now() + 3_600_000));
  assert.equal((await api.call('DELETE', '/system/invocations/later')).status, 202);
  assert.equal((await api.call('DELETE', '/system/invocations/later')).status, 404);
  await calls.accept(job('bad', 500));
  const state = async (): Promise<InvocationStatus> =>
    (await api.call('GET', '/system/invocations/bad')).json as InvocationStatus;
  await until('the call to be given up', async () => (await state()).state === 'dead');
  assert.match((await state()).reason ?? '', /status 500 from the function at attempt 2 of 2/);
  assert.equal((await api.call('POST', '/system/invocations/bad/replay')).status, 202);
  await until('it to be given up again', async () => (await state()).state === 'dead');
  assert.equal((await api.call('POST', '/system/invocations/none/replay')).status, 404);
  assert.equal((await api.call('DELETE', '/system/dead-letters')).status, 400);
  assert.deepEqual((await api.call('DELETE', '/system/dead-letters?function=a.ns')).json, { purged: 1 });
});

test('the next runs of schedules are told', async (t) => {
  const { api } = await useWorld(t);
  const runs = [{ function: 'a.ns', expression: '@hourly', next: '1970-01-01T00:00:00.000Z' }];
  assert.deepEqual((await api.call('GET', '/system/schedules')).json, runs);
});

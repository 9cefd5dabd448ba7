import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type ApiWorld, createApiWorld } from '../../test/support/api-world.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import type { TriggerStatus } from '../model/trigger.ts';

type Call = (...request: Parameters<ApiWorld['call']>) => ReturnType<ApiWorld['call']>;

async function useWorld(t: TestContext, nats = true): Promise<{ readonly call: Call }> {
  const world = await createApiWorld(tempDir(t), { triggers: { nats, status: () => Promise.resolve(undefined) } });
  t.after(() => world.close());
  world.world.images.add('hello:1');
  const annotations = { topic: 'cron-function, orders.*', schedule: '@every 90s' };
  const made = await world.call('POST', '/system/functions', { service: 'hello', image: 'hello:1', annotations });
  assert.equal(made.status, 202, made.text);
  return { call: (...request) => world.call(...request) };
}

const nightly = { name: 'nightly', function: 'hello', schedule: { expressions: ['0 3 * * *'] } };

test('a trigger is made, read, replaced by version, paused and deleted', async (t) => {
  const { call } = await useWorld(t);
  assert.equal((await call('POST', '/system/triggers', nightly)).status, 201);
  assert.equal((await call('POST', '/system/triggers', nightly)).status, 409);
  const first = (await call('GET', '/system/triggers/nightly')).json as TriggerStatus;
  assert.equal(first.nextRuns?.length, 5);
  assert.deepEqual(first.schedule, {
    expressions: ['0 3 * * *'],
    timezone: 'UTC',
    missed: 'skip',
    overlap: 'allow',
    body: '',
  });
  // What was read can be written again, if nobody wrote meanwhile.
  assert.equal((await call('PUT', '/system/triggers/nightly', { ...first, path: '/x' })).status, 202);
  const stale = await call('PUT', '/system/triggers/nightly', { ...first, path: '/y' });
  assert.deepEqual([stale.status, /version: \d+ is not the present one, \d+/.test(stale.text)], [409, true]);
  assert.equal((await call('POST', '/system/triggers/nightly/pause')).status, 202);
  const second = (await call('GET', '/system/triggers/nightly')).json as TriggerStatus;
  assert.deepEqual([second.path, second.paused, second.nextRuns], ['/x', true, []]);
  assert.ok((second.version ?? 0) > (first.version ?? 0));
  assert.equal((await call('POST', '/system/triggers/nightly/resume')).status, 202);
  assert.equal((await call('DELETE', '/system/triggers/nightly')).status, 202);
  assert.equal((await call('DELETE', '/system/triggers/nightly')).status, 404);
});

test('annotations of functions are triggers that are only read', async (t) => {
  const { call } = await useWorld(t);
  const list = (await call('GET', '/system/triggers')).json as TriggerStatus[];
  assert.deepEqual(
    list.map(({ name, kind, readOnly }) => [name, kind, readOnly]),
    [
      ['hello:cron-function', 'schedule', true],
      ['hello:orders.*', 'nats', true],
    ],
  );
  assert.equal(list[0]?.nextRuns?.length, 1);
  const path = '/system/triggers/hello:cron-function';
  for (const [method, at] of [
    ['DELETE', path],
    ['POST', `${path}/pause`],
  ] as const) {
    const answer = await call(method, at);
    assert.equal(answer.status, 403, answer.text);
    assert.match(answer.text, /made by an annotation of function "hello"/);
  }
});

test('without a server of the platform topics are nobody’s, and a trigger has to name one', async (t) => {
  const { call } = await useWorld(t, false);
  const list = (await call('GET', '/system/triggers')).json as TriggerStatus[];
  assert.deepEqual(
    list.map(({ name }) => name),
    ['hello:cron-function'],
  );
  const answer = await call('POST', '/system/triggers', { name: 'a', function: 'hello', nats: { subject: 'x' } });
  assert.match(answer.text, /^nats\.servers: is required, the platform has no NATS server of its own/);
});

test('a trigger goes with its function, and is not seen without it', async (t) => {
  const { call } = await useWorld(t);
  assert.equal((await call('POST', '/system/triggers', nightly)).status, 201);
  assert.equal((await call('DELETE', '/system/functions', { functionName: 'hello' })).status, 202);
  assert.deepEqual((await call('GET', '/system/triggers')).json, []);
  assert.equal((await call('GET', '/system/triggers/nightly')).status, 404);
  const again = await call('POST', '/system/triggers', { ...nightly, name: 'other' });
  assert.match(again.text, /^function: "hello" does not exist in namespace "openfaas-fn"/);
});

const nats = { subject: 'orders.>' };
const many = 'x'.repeat(300);

const refused = [
  [{ ...nightly, name: 'Bad_Name' }, /^trigger name "Bad_Name" is not valid/],
  [{ ...nightly, fuction: 'x' }, /^unknown field "fuction"/],
  [{ name: 'a', function: 'hello' }, /^the trigger has no source: give one of schedule, nats/],
  [{ ...nightly, nats }, /^nats: the trigger has schedule already/],
  [{ ...nightly, kind: 'nats' }, /^kind: "nats" does not fit/],
  [{ ...nightly, kind: 'kafka' }, /^kind: "kafka" is not one of schedule, nats/],
  [{ ...nightly, schedule: { expressions: [] } }, /^schedule\.expressions: \[\] is empty/],
  [{ ...nightly, schedule: { expressions: ['61 * * * *'] } }, /^schedule\.expressions: "61 \* \* \* \*" is not valid/],
  [
    { ...nightly, schedule: { expressions: ['@daily'], timezone: 'Mars' } },
    /"@daily" has the unknown time zone "Mars"/,
  ],
  [{ ...nightly, schedule: { expressions: ['@every 1ms'] } }, /is not between 1s and 8784h/],
  [
    { ...nightly, schedule: { expressions: ['@daily'], missed: 'all' } },
    /^schedule\.missed: "all" is not one of skip, once/,
  ],
  [{ ...nightly, concurrency: 3 }, /^concurrency: is for messages/],
  [{ ...nightly, origin: 'me' }, /^origin: "me" is not one of stack/],
  [{ ...nightly, path: 'x' }, /^path: "x" does not begin with \//],
  [{ ...nightly, method: 'BREW' }, /^method: "BREW" is not one of GET/],
  [{ ...nightly, headers: { Host: 'x' } }, /^headers\.Host: belongs to the platform/],
  [{ ...nightly, headers: { 'Transfer-Encoding': 'x' } }, /^headers\.Transfer-Encoding: belongs to the platform/],
  [{ ...nightly, headers: { A: 'b\r\nC: d' } }, /^headers\.A: has control characters/],
  [{ name: 'a', function: 'hello', nats: { subject: 'a..b' } }, /^nats\.subject: "a\.\.b" is empty between two dots/],
  [{ name: 'a', function: 'hello', nats: { subject: 'a b' } }, /^nats\.subject: "a b" has white space/],
  [{ name: 'a', function: 'hello', nats: { subject: '>.a' } }, /^nats\.subject: ">\.a" has a wildcard/],
  [{ name: 'a', function: 'hello', nats: { subject: many } }, /^nats\.subject: has 300 characters, the limit is 255/],
  [{ name: 'a', function: 'hello', nats, errorTopic: 'a.*' }, /^errorTopic: "a\.\*" has a wildcard/],
  [{ name: 'a', function: 'hello', nats, concurrency: 0 }, /^concurrency: 0 is below 1/],
  [{ name: 'a', function: 'hello', nats, concurrency: 1001 }, /^concurrency: 1001 is above 1000/],
  [{ name: 'a', function: 'hello', nats, minWait: 'soon' }, /^minWait: "soon" is not a duration/],
  [
    { name: 'a', function: 'hello', nats: { ...nats, servers: ['http://a'] } },
    /^nats\.servers: "http:\/\/a" is not of the form/,
  ],
  [
    { name: 'a', function: 'hello', nats: { ...nats, servers: ['nats://u:p@a'] } },
    /^nats\.servers: has credentials in it/,
  ],
  [{ name: 'a', function: 'hello', nats: { ...nats, durable: 'x' } }, /^nats\.durable: is for JetStream/],
  [{ name: 'a', function: 'hello', nats: { ...nats, stream: 'a.b' } }, /^nats\.stream: "a\.b" is not of letters/],
  [
    { name: 'a', function: 'hello', nats: { ...nats, stream: 'A', queueGroup: 'q' } },
    /^nats\.queueGroup: a stream is shared/,
  ],
  [{ name: 'a', function: 'hello', nats: { ...nats, secret: 's' } }, /^nats\.secret: needs nats\.servers/],
] as const satisfies readonly (readonly [object, RegExp])[];

test('what is not a trigger is refused, naming field, value and limit', async (t) => {
  const { call } = await useWorld(t);
  for (const [body, wanted] of refused) {
    const answer = await call('POST', '/system/triggers', body);
    assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${answer.text}`);
    assert.match(answer.text, wanted);
  }
});

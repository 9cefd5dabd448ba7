import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test, type TestContext } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { useCutProxy } from '../../../test/support/cut-proxy.ts';
import { natsProgram, startNats, type TestNats, useNats } from '../../../test/support/nats-server.ts';
import { requirement } from '../../../test/support/require.ts';
import { until } from '../../../test/support/until.ts';
import { natsReconnected } from '../../observe/channels.ts';
import { describeQueue, type QueueUnderTest, testJob, testLimits } from '../conformance.ts';
import type { LeasedJob } from '../job.ts';
import type { JobQueue, QueueLimits } from '../queue.ts';
import { createNatsQueue, type NatsQueueOptions } from './nats-queue.ts';
import { leastServer } from './open-stream.ts';

/** Options of platforms that share one queue, and no other. */
function newQueue(server: TestNats, limits: QueueLimits = testLimits): (platform: string) => NatsQueueOptions {
  const name = `test-${randomBytes(6).toString('hex')}`;
  return (platform) => ({ access: { servers: [server.url] }, name, platform, replicas: 1, leaseMs: 2000, limits });
}

async function open(t: TestContext, options: NatsQueueOptions): Promise<JobQueue> {
  const queue = await createNatsQueue(options);
  t.after(() => queue.close());
  return queue;
}

async function leaseOne(queue: JobQueue, lane = 'a.ns'): Promise<LeasedJob> {
  const [job] = await queue.lease(lane, 1);
  assert.ok(job !== undefined, `lane ${lane} has a job to lease`);
  return job;
}

/** The suite every backbone passes, on the version the tests use and on the least one that is allowed. */
for (const version of [undefined, leastServer]) {
  const program = natsProgram(version);
  if (program === undefined) {
    test(`the queue in NATS ${version ?? ''}`, (t) => {
      requirement(t, false, 'nats-server cannot be built: needs go and the Go proxy');
    });
    continue;
  }
  suite(`in NATS ${version ?? 'as new as the tests use'},`, () => {
    let server: TestNats | undefined;
    const last: (() => void | Promise<void>)[] = [];
    before(async () => {
      server = await startNats({ after: (fn) => void last.unshift(fn) }, program);
    });
    after(async () => {
      for (const fn of last.reverse()) await fn();
    });
    describeQueue('the queue', async (t: TestContext, limits: QueueLimits): Promise<QueueUnderTest> => {
      assert.ok(server !== undefined);
      const options = newQueue(server, limits)('one');
      let current = await createNatsQueue(options);
      t.after(() => current.close());
      return {
        queue: current,
        async reopen() {
          await current.close();
          current = await createNatsQueue(options);
          return current;
        },
      };
    });
  });
}

test('several platforms share one queue: each job goes to one, all see all, and any may cancel it', async (t) => {
  const server = await useNats(t);
  if (server === undefined) return;
  const options = newQueue(server);
  const [one, two] = [await open(t, options('one')), await open(t, options('two'))];
  const heard: string[] = [];
  two.watch((lane) => heard.push(lane));
  await one.append(Array.from({ length: 20 }, (_, i) => testJob(`j${i}`)));
  await until('the other to hear of it', () => heard.includes('a.ns'));
  assert.equal((await two.depth())[0]?.jobs, 20);
  const [first, second] = await Promise.all([one.lease('a.ns', 12), two.lease('a.ns', 12)]);
  const ids = [...first, ...second].map(({ id }) => id);
  assert.equal(new Set(ids).size, 20, 'nobody got what another one has');
  const [held] = first;
  assert.ok(held !== undefined);
  await until('one to be seen running by the other', async () => (await two.history.get(held.id))?.state === 'running');
  const told = Promise.withResolvers<string>();
  one.watchCanceled?.((id) => told.resolve(id));
  assert.equal(await two.cancel(held.id), true);
  assert.equal(await told.promise, held.id);
  assert.equal(await one.settle(held, { outcome: 'done', next: [] }), false, 'it was cancelled');
  for (const job of first.slice(1)) assert.equal(await one.settle(job, { outcome: 'done', next: [] }), true);
  for (const job of second) assert.equal(await two.settle(job, { outcome: 'done', next: [] }), true);
  await until(
    'both to know that all is done',
    async () => [...(await one.depth()), ...(await two.depth())].length === 0,
  );
});

test('the same id appended by two platforms at once is one job', async (t) => {
  const server = await useNats(t);
  if (server === undefined) return;
  const options = newQueue(server);
  const queues = [await open(t, options('one')), await open(t, options('two'))];
  for (let i = 0; i < 10; i += 1) {
    const rememberMs = i % 2 === 0 ? 0 : Date.now() + 60_000;
    const stored = await Promise.all(queues.map((queue) => queue.append([testJob(`due${i}`, { rememberMs })])));
    assert.deepEqual(stored.flat().sort(), [false, true]);
  }
});

test('a body larger than a message of the server is stored whole or not at all, through retry, death and replay', async (t) => {
  const server = await useNats(t, { config: 'max_payload: 32768\njetstream { store_dir: "DIR/js" }' });
  if (server === undefined) return;
  const limits = { ...testLimits, laneBytes: 10_000_000 };
  const queue = await open(t, newQueue(server, limits)('one'));
  const body = randomBytes(3_000_000);
  await queue.append([testJob('big', { body })]);
  const first = await leaseOne(queue);
  assert.ok(body.equals(first.body));
  await queue.settle(first, { outcome: 'retry', atMs: 0 });
  const second = await leaseOne(queue);
  assert.ok(body.equals(second.body));
  const next = [testJob('callback', { body: body.subarray(1), lane: 'b.ns' })];
  await queue.settle(second, { outcome: 'dead', reason: 'x', next });
  assert.ok(body.equals((await queue.deadLetters.get('big'))?.body ?? Buffer.alloc(0)));
  assert.ok(body.subarray(1).equals((await leaseOne(queue, 'b.ns')).body));
  assert.equal(await queue.deadLetters.replay('big'), true);
  assert.ok(body.equals((await leaseOne(queue)).body));
  const huge = testJob('huge', {
    payload: { kind: 'call', function: 'a.ns', method: 'POST', target: '/', headers: ['A', 'x'.repeat(40_000)] },
  });
  await assert.rejects(queue.append([huge]), { code: 'too-large', message: /huge.*32768/ });
});

test('when answers are lost, what was stored is found again, and what was not is never stored later', async (t) => {
  const server = await useNats(t);
  if (server === undefined) return;
  const proxy = await useCutProxy(t, server.port);
  const options = newQueue(server)('one');
  const queue = await open(t, { ...options, access: { servers: [`nats://127.0.0.1:${proxy.port}`] } });
  const judge = await open(t, { ...options, platform: 'judge' });
  await queue.append([testJob('first')]);
  const known = ['first'];
  let reconnects = 0;
  t.after(natsReconnected.subscribe(() => void (reconnects += 1)));
  for (let round = 0; round < 2; round += 1) {
    proxy.cut(round % 2 === 0 ? 'answers' : 'both');
    const lost = await Promise.allSettled([
      queue.append([testJob(`lost${round}`)]),
      queue.append([testJob(`too${round}`)]),
    ]);
    assert.deepEqual(
      lost.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    const beganMs = performance.now();
    await assert.rejects(queue.append([testJob(`refused${round}`)]), { code: 'unavailable' });
    assert.ok(performance.now() - beganMs < 1000, 'at once');
    proxy.mend();
    await until('calls to be taken again', async () => {
      try {
        return (await queue.append([testJob(`after${round}`)]))[0];
      } catch {
        return false;
      }
    });
    assert.equal(reconnects, round + 1, 'each return is told');
    known.push(`after${round}`, ...(round % 2 === 0 ? [`lost${round}`, `too${round}`] : []));
  }
  const there = (await judge.history.list({ limit: 100 })).map(({ id }) => id);
  assert.deepEqual(there.sort(), known.sort(), 'what reached the server is there, all else is not');
  await until('the counts to agree', async () => (await judge.depth())[0]?.jobs === known.length);
  assert.equal((await queue.depth())[0]?.jobs, known.length);
});

test('an outcome with a callback waits for NATS, and is kept when it is back', async (t) => {
  const server = await useNats(t);
  if (server === undefined) return;
  const proxy = await useCutProxy(t, server.port);
  const options = newQueue(server)('one');
  const queue = await open(t, { ...options, access: { servers: [`nats://127.0.0.1:${proxy.port}`] } });
  await queue.append([testJob('a')]);
  const job = await leaseOne(queue);
  proxy.cut('both');
  await assert.rejects(queue.append([testJob('b')]), { code: 'unavailable' });
  const settled = queue.settle(job, { outcome: 'done', next: [testJob('a.callback', { lane: 'callback x' })] });
  proxy.mend();
  assert.equal(await settled, true);
  assert.equal((await queue.history.get('a'))?.state, 'done');
  assert.equal((await leaseOne(queue, 'callback x')).id, 'a.callback');
});

test('a call is cancelled once that is written, whatever becomes of the message it stood in', async (t) => {
  const deny = 'permissions: { publish: { deny: "$JS.API.STREAM.MSG.DELETE.>" } }';
  const server = await useNats(t, {
    config: `authorization { users: [{ user: me, password: right, ${deny} }] }\njetstream { store_dir: "DIR/js" }`,
  });
  if (server === undefined) return;
  const options = newQueue(server)('one');
  const queue = await open(t, { ...options, access: { ...options.access, user: 'me', password: 'right' } });
  await queue.append([testJob('a')]);
  assert.equal(await queue.cancel('a'), true);
  assert.equal((await queue.history.get('a'))?.state, 'canceled');
  assert.deepEqual(await queue.lease('a.ns', 1), []);
});

test('what a platform that died had leased is given to others when its lease is over, and not before', async (t) => {
  const server = await useNats(t);
  if (server === undefined) return;
  const options = newQueue(server);
  const [one, two] = [await open(t, options('one')), await createNatsQueue(options('two'))];
  t.after(() => two.close());
  await one.append([testJob('long'), testJob('lost')]);
  const long = await leaseOne(one);
  const lost = await leaseOne(two);
  // As far as the server can tell it is dead: it says nothing any more.
  const silent = two as unknown as { close(): Promise<void> };
  await silent.close();
  const heard = Promise.withResolvers<void>();
  one.watch(() => heard.resolve());
  await heard.promise;
  const again = await until('it to be handed out', async () => (await one.lease('a.ns', 5))[0]);
  assert.deepEqual([again.id, again.attempt], [lost.id, 2]);
  const beganMs = performance.now();
  await until('more than a lease time', () => performance.now() - beganMs > 3000);
  assert.deepEqual(await one.lease('a.ns', 5), [], 'what is worked on is given to nobody');
  assert.equal(await one.settle(long, { outcome: 'done', next: [] }), true);
});

test('a stream that another version wrote is refused as long as it holds calls, and brought up to date when it is empty', async (t) => {
  const server = await useNats(t);
  if (server === undefined) return;
  const options = newQueue(server)('one');
  const connection = await connect({ servers: server.url });
  t.after(() => connection.close());
  const [name, subject] = [`${options.name}_queue`, `${options.name}.queue.job.a.0.x`];
  const config = { name, subjects: [`${options.name}.queue.>`], retention: 'workqueue', storage: 'file' };
  const made = await connection.request(`$JS.API.STREAM.CREATE.${name}`, JSON.stringify(config));
  assert.equal(made.json<{ error?: object }>().error, undefined);
  await connection.request(subject, 'a call');
  await assert.rejects(createNatsQueue(options), { code: 'config', message: /another version/ });
  await connection.request(`$JS.API.STREAM.PURGE.${name}`, '');
  const queue = await open(t, options);
  assert.deepEqual(await queue.append([testJob('a')]), [true]);
  assert.equal((await leaseOne(queue)).id, 'a');
});

test('a server that cannot keep the queue is refused, with what it is and what is needed', async (t) => {
  const old = await useNats(t, { config: '' });
  if (old === undefined) return;
  await assert.rejects(createNatsQueue(newQueue(old)('one')), { code: 'config', message: /without JetStream/ });
  const closed = await useNats(t, {
    config: 'authorization { user: me, password: right }\njetstream { store_dir: "DIR/js" }',
  });
  assert.ok(closed !== undefined);
  const options = newQueue(closed)('one');
  const wrong = { ...options, access: { ...options.access, user: 'me', password: 'wr0ng' } };
  await assert.rejects(createNatsQueue(wrong), (error: Error) => {
    assert.match(error.message, /refuses these credentials/);
    assert.doesNotMatch(JSON.stringify([error, error.message, error.stack]), /wr0ng/);
    return true;
  });
  const queue = await open(t, { ...options, access: { ...options.access, user: 'me', password: 'right' } });
  assert.match(queue.backbone.about, /NATS \d+\.\d+\.\d+ at nats:\/\/127\.0\.0\.1/);
  await closed.kill();
  await assert.rejects(createNatsQueue(newQueue(closed)('two')), { code: 'unavailable', message: /does not answer/ });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TriggerStatus } from '../../src/model/trigger.ts';
import { covers } from '../support/covers.ts';
import { deployFiles } from '../support/deploy.ts';
import { useNats } from '../support/nats-server.ts';
import { type TestPlatform, usePlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

const longMs = 60_000;

/** Answers with what it was sent; fails for as long as the body says so. */
const echo = {
  'handler.js': [
    'module.exports = async (event, context) => {',
    '  const body = String(event.body);',
    "  if (body.startsWith('fail')) return context.status(500).fail('no');",
    "  const { 'x-topic': topic, 'x-connector': connector, 'x-nats-delivery': delivery } = event.headers;",
    "  return context.headers({ 'content-type': 'application/json' }).succeed({ body, topic, connector, delivery });",
    '};',
  ].join('\n'),
};

async function client(
  t: { after(fn: () => Promise<void>): void },
  url: string,
  token?: string,
): Promise<NatsConnection> {
  const who = token === undefined ? {} : { token };
  const connection = await connect({ ...who, servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  t.after(() => connection.close());
  return connection;
}

/** Texts of all messages of a subject from now on. */
async function listen(connection: NatsConnection, subject: string): Promise<string[]> {
  const heard: string[] = [];
  connection.subscribe(subject, { callback: (_error, message) => void heard.push(message.string()) });
  await connection.flush();
  return heard;
}

async function triggerOf(platform: TestPlatform, name: string): Promise<TriggerStatus> {
  const answer = await platform.fetch(`/system/triggers/${name}`);
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as TriggerStatus;
}

async function connected(platform: TestPlatform, name: string): Promise<void> {
  await until(`${name} is connected`, async () => (await triggerOf(platform, name)).status?.connected, longMs);
}

async function create(platform: TestPlatform, trigger: object): Promise<void> {
  const answer = await platform.fetch('/system/triggers', { method: 'POST', body: JSON.stringify(trigger) });
  assert.equal(answer.status, 201, await answer.text());
}

async function asleep(platform: TestPlatform, name: string): Promise<void> {
  await platform.fetch(`/system/scale-function/${name}`, {
    method: 'POST',
    body: JSON.stringify({ serviceName: name, replicas: 0 }),
  });
  await until(`${name} sleeps`, async () => {
    const status = await platform.fetch(`/system/function/${name}`);
    return ((await status.json()) as { availableReplicas: number }).availableReplicas === 0;
  });
}

suite('triggers', () => {
  test('triggers without servers of their own use those that keep stored calls, with their credentials', async (t) => {
    const config = 'authorization { token: sesame }\njetstream { store_dir: "DIR/js" }';
    const nats = await useNats(t, { config });
    if (nats === undefined) return;
    const platform = await usePlatform(t, ['--nats', nats.url.replace('//', '//sesame@')]);
    await deployFiles(platform, 'echo', echo, { spec: { annotations: { topic: 'orders.new' } } });
    await create(platform, {
      name: 'kept',
      function: 'echo',
      nats: { stream: 'KEPT', subject: 'kept.>', createStream: true },
      responseTopic: 'done',
    });
    await connected(platform, 'kept');
    const connection = await client(t, nats.url, 'sesame');
    const done = await listen(connection, 'done');
    await jetstream(connection).publish('kept.1', 'a');
    await until('it to be answered', () => done.length === 1, longMs);
    const answer = await until(
      'the topic to be followed',
      () => connection.request('orders.new', 'b', { timeout: 1000 }).catch(() => undefined),
      longMs,
    );
    assert.match(answer.string(), /"body":"b"/);
    // While NATS is still there.
    await platform.stop();
  });

  test('a topic of the annotation wakes a function that sleeps, and an answer goes where it is wanted', async (t) => {
    covers('annotation', 'topic');
    const nats = await useNats(t);
    if (nats === undefined) return;
    const platform = await usePlatform(t, ['--events-nats', nats.url]);
    await deployFiles(platform, 'echo', echo, { spec: { annotations: { topic: 'orders.new,orders.*.paid' } } });
    await connected(platform, 'echo:orders.new');
    await connected(platform, 'echo:orders.*.paid');
    await create(platform, { name: 'ask', function: 'echo', nats: { subject: 'ask' }, responseTopic: 'told' });
    await connected(platform, 'ask');
    await asleep(platform, 'echo');
    const connection = await client(t, nats.url);
    const told = await listen(connection, 'told');
    connection.publish('orders.new', 'one');
    connection.publish('orders.7.paid', 'two');
    connection.publish('ask', 'three');
    await until('both are delivered', async () => {
      const [one, two] = [
        await triggerOf(platform, 'echo:orders.new'),
        await triggerOf(platform, 'echo:orders.*.paid'),
      ];
      return one.status?.delivered === 1 && two.status?.delivered === 1;
    });
    await until('the answer', () => told.length === 1);
    assert.deepEqual(JSON.parse(told[0] ?? ''), { body: 'three', topic: 'ask', connector: 'tinderbox nats' });
    const readOnly = await platform.fetch('/system/triggers/echo:orders.new', { method: 'DELETE' });
    assert.equal(readOnly.status, 403);
    const metrics = await (await fetch(platform.metricsUrl + '/metrics')).text();
    assert.match(metrics, /tinderbox_trigger_messages_total\{trigger="openfaas-fn\/ask",[^}]*outcome="delivered"\} 1/);
  });

  test('a message of a stream is delivered until it is answered, and given up to the error topic', async (t) => {
    const nats = await useNats(t, { config: 'authorization { token: sesame }\njetstream { store_dir: "DIR/js" }' });
    if (nats === undefined) return;
    const platform = await usePlatform(t);
    await deployFiles(platform, 'echo', echo);
    const connection = await client(t, nats.url, 'sesame');
    const failed = await listen(connection, 'failed');
    const told = await listen(connection, 'told');
    const secret = { name: 'nats-token', value: 'sesame' };
    const kept = await platform.fetch('/system/secrets', { method: 'POST', body: JSON.stringify(secret) });
    assert.equal(kept.status, 202);
    const stream = {
      servers: [nats.url],
      secret: 'nats-token',
      stream: 'ORDERS',
      subject: 'orders.>',
      createStream: true,
    };
    const delivery = { attempts: 3, minWait: '10ms', maxWait: '20ms', concurrency: 2 };
    await create(platform, {
      name: 'orders',
      function: 'echo',
      nats: stream,
      ...delivery,
      responseTopic: 'told',
      errorTopic: 'failed',
    });
    await create(platform, { name: 'buried', function: 'echo', nats: stream, ...delivery });
    await connected(platform, 'orders');
    await connected(platform, 'buried');
    await asleep(platform, 'echo');
    await jetstream(connection).publish('orders.1', 'good');
    await jetstream(connection).publish('orders.2', 'fail');
    await until('the answer', () => told.length === 1);
    assert.deepEqual(JSON.parse(told[0] ?? ''), {
      body: 'good',
      topic: 'orders.1',
      connector: 'tinderbox nats',
      delivery: '1',
    });
    await until('the failure', () => failed.length === 1);
    assert.deepEqual(failed, ['fail']);
    const status = await until('all is settled', async () => {
      const { status: now } = await triggerOf(platform, 'orders');
      return now?.lag === 0 && now;
    });
    assert.deepEqual([status.delivered, status.retried, status.failed], [1, 2, 1]);
    assert.match(status.lastError ?? '', /status 500 from the function at delivery 3 of 3/);
    const dead = await until('the dead letter', async () => {
      const list = await platform.fetch('/system/invocations?state=dead');
      const [first] = (await list.json()) as { id: string; function: string; reason: string }[];
      return first;
    });
    assert.equal(dead.function, 'echo.openfaas-fn');
    assert.match(dead.reason, /status 500 from the function at delivery 3 of 3/);
    const replayed = await platform.fetch(`/system/invocations/${dead.id}/replay`, { method: 'POST' });
    assert.equal(replayed.status, 202);
    await until('the replay calls it', async () => {
      const call = (await (await platform.fetch(`/system/invocations/${dead.id}`)).json()) as { attempts: number };
      return call.attempts === 1;
    });
  });

  test('what was in hand when the platform was killed comes again, and a server that was killed is found again', async (t) => {
    const nats = await useNats(t);
    if (nats === undefined) return;
    let platform = await usePlatform(t, ['--events-nats', nats.url]);
    const slow =
      "module.exports = async (event) => (event.headers['x-nats-delivery'] === '1' && String(event.body) === 'slow' ? new Promise(() => {}) : 'ok');";
    await deployFiles(platform, 'slow', { 'handler.js': slow });
    const connection = await client(t, nats.url);
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'WORK', subjects: ['work'] });
    await manager.consumers.add('WORK', { durable_name: 'mine', ack_policy: 'explicit', ack_wait: 10_000 * 1e6 });
    await create(platform, {
      name: 'work',
      function: 'slow',
      nats: { stream: 'WORK', subject: 'work', durable: 'mine' },
    });
    await connected(platform, 'work');
    await jetstream(connection).publish('work', 'slow');
    await until('it runs', async () => (await triggerOf(platform, 'work')).status?.inFlight === 1);
    await platform.kill();
    platform = await platform.restart();
    t.after(() => platform.dispose());
    await until('it comes again', async () => (await triggerOf(platform, 'work')).status?.delivered === 1, longMs);
    await nats.kill();
    await until('it is missed', async () => (await triggerOf(platform, 'work')).status?.connected === false, longMs);
    await nats.start();
    await connected(platform, 'work');
    await until(
      'the client is back',
      async () =>
        connection.rtt().then(
          () => true,
          () => false,
        ),
      longMs,
    );
    await jetstream(connection).publish('work', 'fast');
    await until('it goes on', async () => ((await triggerOf(platform, 'work')).status?.delivered ?? 0) >= 2, longMs);
  });

  test('a stack file takes no trigger of a function that it does not deploy, and says which trigger is wrong', async (t) => {
    const platform = await usePlatform(t);
    const cwd = tempDir(t);
    mkdirSync(join(cwd, 'tick'));
    writeFileSync(join(cwd, 'tick', 'handler.js'), 'module.exports = async () => "tick";\n');
    const deploy = async (functions: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => {
      const entries = Object.entries(functions).map(([name, triggers]) => [
        name,
        { lang: 'node', handler: './tick', image: 'tick:1', triggers },
      ]);
      writeFileSync(join(cwd, 'stack.yaml'), JSON.stringify({ functions: Object.fromEntries(entries) }));
      return await platform.cli(['deploy', '-f', 'stack.yaml'], { cwd });
    };
    const owners = async (): Promise<string[]> =>
      ((await (await platform.fetch('/system/triggers')).json()) as TriggerStatus[]).map(
        (trigger) => `${trigger.name} of ${trigger.function}`,
      );
    const daily = { schedule: { expressions: '@daily' } };
    assert.equal((await deploy({ mine: { nightly: daily } })).code, 0);

    const taken = await deploy({ theirs: { nightly: daily, other: daily } });
    assert.equal(taken.code, 5, taken.stderr);
    assert.match(
      taken.stderr,
      /trigger "nightly" of function "theirs" exists already in namespace "openfaas-fn", for function "mine"\nhint: .*tinderbox trigger delete nightly/,
    );
    const twice = await deploy({ one: { dup: daily }, two: { dup: daily } });
    assert.equal(twice.code, 2, twice.stderr);
    assert.match(twice.stderr, /trigger "dup" stands below functions "one" and "two"/);
    assert.deepEqual(await owners(), ['nightly of mine']);
    const functions = (await (await platform.fetch('/system/functions')).json()) as { name: string }[];
    assert.deepEqual(
      functions.map(({ name }) => name),
      ['mine'],
    );

    const wrong = await deploy({ mine: { nightly: daily, bad: { schedule: { expressions: '61 * * * *' } } } });
    assert.match(wrong.stderr, /^mine: deployed without all of its triggers$/m);
    assert.match(wrong.stderr, /^error: trigger "bad": schedule\.expressions: "61 \* \* \* \*" is not valid/m);
    assert.deepEqual(await owners(), ['nightly of mine']);
    const moved = await deploy({ mine: {}, theirs: { nightly: daily } });
    assert.equal(moved.code, 0, moved.stderr);
    assert.deepEqual(await owners(), ['nightly of theirs']);
  });

  test('a stack file makes triggers, which go with their lines there and with their function', async (t) => {
    const platform = await usePlatform(t);
    const cwd = tempDir(t);
    mkdirSync(join(cwd, 'tick'));
    writeFileSync(
      join(cwd, 'tick', 'handler.js'),
      "module.exports = async (event) => event.headers['x-schedule'] + event.body;\n",
    );
    const stack = [
      'provider: { name: openfaas }',
      'functions:',
      '  tick:',
      '    lang: node',
      '    handler: ./tick',
      '    image: tick:1',
      '    triggers:',
      '      often:',
      '        schedule: { expressions: "* * * * * *", body: ping }',
      '      later:',
      '        paused: true',
      '        schedule:',
      '          expressions: ["0 3 * * *", "@at 2099-01-01T00:00:00Z"]',
      '          timezone: Europe/Berlin',
    ].join('\n');
    writeFileSync(join(cwd, 'stack.yaml'), stack);
    const deployed = await platform.cli(['deploy', '-f', 'stack.yaml'], { cwd });
    assert.equal(deployed.code, 0, deployed.stderr);
    const called = await until(
      'a run',
      async () => {
        const list = (await (await platform.fetch('/system/invocations?state=done')).json()) as { id: string }[];
        return list[0];
      },
      longMs,
    );
    const call = (await (await platform.fetch(`/system/invocations/${called.id}`)).json()) as { response: string };
    assert.equal(call.response, '* * * * * *ping');
    const listed = await platform.cli(['trigger', 'list', '-o', 'wide']);
    assert.match(listed.stdout, /later\s+tick\s+schedule\s+0 3 \* \* \*; @at 2099-01-01T00:00:00Z\s+paused/);
    assert.match(listed.stdout, /often\s+tick\s+schedule\s+\* \* \* \* \* \*\s+scheduled\s+\d{4}-/);
    const resumed = await platform.cli(['trigger', 'resume', 'later']);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal((await triggerOf(platform, 'later')).nextRuns?.length, 5);

    const succeed = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await platform.cli(args, { cwd });
      assert.equal(code, 0, stderr);
      return stdout + stderr;
    };
    const present = async (): Promise<string[]> =>
      ((await (await platform.fetch('/system/triggers')).json()) as TriggerStatus[]).map(
        (trigger) => `${trigger.name} of ${trigger.function}`,
      );
    const own = ['--function', 'tick', '--cron', '@daily'];
    await succeed('trigger', 'create', 'mine', ...own);
    assert.match(await succeed('trigger', 'describe', 'often'), /^Made by: +a stack file$/m);
    assert.doesNotMatch(await succeed('trigger', 'describe', 'mine'), /^Made by/m);
    writeFileSync(join(cwd, 'stack.yaml'), stack.slice(0, stack.indexOf('      later:')));
    const pruned = await succeed('deploy', '-f', 'stack.yaml', '--skip-build');
    assert.match(pruned, /deleted trigger later, which is not in the stack file any more/);
    assert.deepEqual(await present(), ['mine of tick', 'often of tick']);
    // A deploy of the image alone knows nothing of triggers.
    await succeed('deploy', '--image', 'tick:1', '--name', 'tick');
    assert.deepEqual(await present(), ['mine of tick', 'often of tick']);
    const [before = '', triggers = ''] = stack.slice(0, stack.indexOf('      later:')).split('    triggers:');
    const moved = `${before}  tock:\n    image: tick:1\n    triggers:${triggers}`;
    writeFileSync(join(cwd, 'stack.yaml'), moved);
    await succeed('deploy', '-f', 'stack.yaml', '--skip-build');
    assert.deepEqual(await present(), ['mine of tick', 'often of tock']);
    // What is made by hand in the place of one is nobody's but theirs.
    await succeed('trigger', 'create', 'often', '--replace', '--function', 'tock', '--cron', '@hourly');
    writeFileSync(join(cwd, 'stack.yaml'), `${before}  tock:\n    image: tick:1\n`);
    await succeed('deploy', '-f', 'stack.yaml', '--skip-build');
    assert.deepEqual(await present(), ['mine of tick', 'often of tock']);
    const removed = await platform.cli(['remove', '-f', 'stack.yaml'], { cwd });
    assert.equal(removed.code, 0, removed.stderr);
    assert.deepEqual(await (await platform.fetch('/system/triggers')).json(), []);
    await deployFiles(platform, 'tick', echo);
    assert.deepEqual(await (await platform.fetch('/system/triggers')).json(), []);
  });
});

import assert from 'node:assert/strict';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { test, type TestContext } from 'node:test';
import { type TestNats, useNats } from '../../../../test/support/nats-server.ts';
import { until } from '../../../../test/support/until.ts';
import type { NatsTrigger, TriggerSpec } from '../../../model/trigger.ts';
import { sourceConformance, type SourceWorld } from '../conformance.ts';
import type { Source } from '../source.ts';
import { createNatsConnections } from './connections.ts';
import { createNatsSource } from './create-nats-source.ts';

const silent = { connected: () => undefined, disconnected: () => undefined };
const never = new AbortController().signal;

function sourceAt(
  { url }: Pick<TestNats, 'url'>,
  nats: NatsTrigger,
  credentials?: string,
  told: string[] = [],
): Source {
  const spec: TriggerSpec = {
    namespace: 'ns',
    name: 'orders',
    function: 'hello',
    method: 'POST',
    path: '/',
    headers: {},
    kind: 'nats',
    nats,
    paused: false,
  };
  const address = { servers: [url], ...(credentials === undefined ? {} : { credentials }) };
  return createNatsSource(spec, {
    connections: createNatsConnections(),
    address: () => Promise.resolve(address),
    tell: (message) => told.push(message),
  });
}

async function clientOf(t: TestContext, { url }: Pick<TestNats, 'url'>): Promise<NatsConnection> {
  const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  t.after(() => connection.close());
  return connection;
}

async function worldOf(t: TestContext, trigger: NatsTrigger): Promise<SourceWorld | undefined> {
  const nats = await useNats(t);
  if (nats === undefined) return undefined;
  const client = await clientOf(t, nats);
  return {
    source: () => sourceAt(nats, trigger),
    async send(body, [name, value]) {
      const fields = headers();
      fields.append(name, value);
      if (trigger.stream === undefined) {
        client.publish('orders.1', body, { headers: fields });
        await client.flush();
      } else await jetstream(client).publish('orders.1', body, { headers: fields });
    },
    async hear(topic) {
      const heard = Promise.withResolvers<string>();
      client.subscribe(topic, { max: 1, callback: (_error, message) => heard.resolve(message.string()) });
      await client.flush();
      return { next: heard.promise };
    },
    async restart() {
      await nats.kill();
      await nats.start();
      const isBack = (): Promise<boolean> => client.rtt().then(Boolean, () => false);
      await until('the client is back', isBack, 30_000);
    },
  };
}

const stream = { stream: 'ORDERS', subject: 'orders.>', createStream: true };

sourceConformance('NATS core', (t) => worldOf(t, { subject: 'orders.*' }));
sourceConformance('NATS JetStream', (t) => worldOf(t, stream));

test('a consumer that the trigger made goes with it, one that it names stays', async (t) => {
  const nats = await useNats(t);
  if (nats === undefined) return;
  const manager = await jetstreamManager(await clientOf(t, nats));
  const names = async (): Promise<string[]> => {
    const list = await manager.consumers.list('ORDERS').next();
    return list.map(({ name }) => name);
  };
  const source = sourceAt(nats, stream);
  await (await source.connect(silent, never)).close();
  assert.deepEqual(await names(), ['tinderbox_ns_orders']);
  await source.forget();
  assert.deepEqual(await names(), []);
  const named = sourceAt(nats, { ...stream, durable: 'mine' });
  await (await named.connect(silent, never)).close();
  await named.forget();
  assert.deepEqual(await names(), ['mine']);
});

test('a stream that is not there, and a consumer that cannot be used, are named', async (t) => {
  const nats = await useNats(t);
  if (nats === undefined) return;
  const existing = { stream: stream.stream, subject: stream.subject };
  await assert.rejects(sourceAt(nats, existing).connect(silent, never), { message: 'stream ORDERS does not exist' });
  const manager = await jetstreamManager(await clientOf(t, nats));
  await manager.streams.add({ name: 'ORDERS', subjects: ['orders.>'] });
  await manager.consumers.add('ORDERS', { durable_name: 'lax', ack_policy: 'none' });
  await assert.rejects(sourceAt(nats, { ...existing, durable: 'lax' }).connect(silent, never), {
    message: /^consumer lax of stream ORDERS cannot be used: it must be a pull consumer with explicit acknowledgement/,
  });
});

test('credentials are a pair or a token, and wrong ones are refused in words', async (t) => {
  for (const [config, good] of [
    ['authorization { user: me, password: "s:cret" }', 'me:s:cret\n'],
    ['authorization { token: sesame }', 'sesame'],
  ] as const) {
    const nats = await useNats(t, { config });
    if (nats === undefined) return;
    await (await sourceAt(nats, { subject: 'x' }, good).connect(silent, never)).close();
    await assert.rejects(sourceAt(nats, { subject: 'x' }, 'wrong:er').connect(silent, never), {
      code: 'unavailable',
      message: /^NATS at nats:\/\/127\.0\.0\.1:\d+: .*[Aa]uthorization/,
    });
  }
});

test('no more messages are taken from a stream than there is room for, and those that came for nobody are given back', async (t) => {
  const nats = await useNats(t);
  if (nats === undefined) return;
  const client = await clientOf(t, nats);
  const connection = await sourceAt(nats, stream).connect(silent, never);
  t.after(() => connection.close());
  for (let i = 0; i < 10; i += 1) await jetstream(client).publish('orders.1', String(i));
  const manager = await jetstreamManager(client);
  const inHand = async (): Promise<number> =>
    (await manager.consumers.info('ORDERS', 'tinderbox_ns_orders')).num_ack_pending;
  const stop = new AbortController();
  const first = await connection.next(stop.signal, 4);
  assert.equal(Buffer.from(first?.body ?? []).toString(), '0');
  await until('all there was room for to be taken', async () => (await inHand()) === 4);
  const second = await connection.next(stop.signal, 3);
  assert.equal(await inHand(), 4);
  stop.abort();
  assert.equal(await connection.next(stop.signal, 2), undefined);
  await first?.acknowledge();
  await second?.acknowledge();
  const again = await connection.next(never, 1);
  assert.deepEqual([Buffer.from(again?.body ?? []).toString(), again?.attempt], ['2', 2]);
  await again?.acknowledge();
});

test('an address that asks for TLS is not reached in the clear', async (t) => {
  const nats = await useNats(t);
  if (nats === undefined) return;
  const source = sourceAt({ url: nats.url.replace('nats:', 'tls:') }, { subject: 'x' });
  await assert.rejects(source.connect(silent, never), { code: 'unavailable', message: /tls/i });
});

test('without JetStream at the server a stream is refused in words', async (t) => {
  const nats = await useNats(t, { config: '' });
  if (nats === undefined) return;
  await assert.rejects(sourceAt(nats, stream).connect(silent, never), { message: /JetStream/i });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createNatsConnections } from '../../src/events/sources/nats/connections.ts';
import { createNatsSource } from '../../src/events/sources/nats/create-nats-source.ts';
import { useNats } from '../support/nats-server.ts';

test('a stream of the least version of nats-server is delivered, put off and acknowledged', async (t) => {
  const nats = await useNats(t, { version: '2.9.10', config: 'jetstream { store_dir: "DIR/js" }' });
  if (nats === undefined) return;
  const client = await connect({ servers: nats.url });
  const source = createNatsSource(
    {
      namespace: 'ns',
      name: 'old',
      function: 'hello',
      method: 'POST',
      path: '/',
      headers: {},
      kind: 'nats',
      nats: { subject: 'orders.*', stream: 'ORDERS', createStream: true },
      paused: false,
    },
    {
      connections: createNatsConnections(),
      address: () => Promise.resolve({ servers: [nats.url] }),
      tell: () => undefined,
    },
  );
  const silent = { connected: () => undefined, disconnected: () => undefined };
  const connection = await source.connect(silent, new AbortController().signal);
  await jetstream(client).publish('orders.1', 'old');
  const first = await connection.next(AbortSignal.timeout(30_000));
  await first?.putOff(50);
  const again = await connection.next(AbortSignal.timeout(30_000));
  assert.deepEqual([Buffer.from(again?.body ?? []).toString(), again?.attempt, again?.id], ['old', 2, first?.id]);
  await again?.acknowledge();
  assert.equal(await connection.lag(), 0);
  await connection.close();
  await source.forget();
  await client.close();
});

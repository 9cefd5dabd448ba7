/** What every source promises, held against a real broker. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { until } from '../../../test/support/until.ts';
import type { Delivery, Source, SourceConnection, SourceEvents } from './source.ts';

/** A trigger's place at a broker, and the broker's other side. */
export interface SourceWorld {
  /** Made anew with each call: what another platform has of the same trigger. */
  source(): Source;
  /** Publishes a message for the trigger, with one header. */
  send(body: string, header: readonly [string, string]): Promise<void>;
  /** Resolves with the next message published on a topic from the moment it is called. */
  hear(topic: string): Promise<{ readonly next: Promise<string> }>;
  /** Kills the broker and starts it again over what it kept; undefined: it has no such life. */
  readonly restart?: () => Promise<void>;
}

/** `make` gives a world without messages; undefined: the test was skipped. */
export function sourceConformance(name: string, make: (t: TestContext) => Promise<SourceWorld | undefined>): void {
  const conform = (title: string, run: (world: SourceWorld, open: Open) => Promise<void>): void => {
    test(title, async (t) => {
      const world = await make(t);
      if (world === undefined) return;
      const opened: SourceConnection[] = [];
      try {
        await run(world, async (source, events = silent) => {
          const connection = await source.connect(events, never);
          opened.push(connection);
          return connection;
        });
      } finally {
        // Before the broker goes.
        for (const connection of opened) await connection.close();
      }
    });
  };
  suite(`${name} as a source`, () => {
    conform('a message comes with its body and headers, and not again once it is acknowledged', receives);
    conform('what is put off comes again after its time, as the next attempt and under the same id', putsOff);
    conform('whoever asks for nothing gets nothing more, and a stop ends the wait', waits);
    conform('two connections share the messages', shares);
    conform('what is published is heard', publishes);
    conform('what is in hand when a connection goes is given out again, if the source is durable', survives);
    conform(
      'a broker that was restarted is found again, with what was not acknowledged if the source is durable',
      restarts,
    );
  });
}

const silent: SourceEvents = { connected: () => undefined, disconnected: () => undefined };
const never = new AbortController().signal;
const longMs = 60_000;

/** Connects; the connection is closed when the test ends. */
type Open = (source: Source, events?: SourceEvents) => Promise<SourceConnection>;

async function take(connection: SourceConnection): Promise<Delivery> {
  const delivery = await connection.next(AbortSignal.timeout(longMs));
  assert.ok(delivery !== undefined, 'no message came');
  return delivery;
}

const textOf = ({ body }: Delivery): string => Buffer.from(body).toString();

async function receives(world: SourceWorld, open: Open): Promise<void> {
  const connection = await open(world.source());
  await world.send('one', ['ce-type', 'order']);
  const first = await take(connection);
  assert.deepEqual([textOf(first), first.attempt], ['one', 1]);
  assert.match(first.id, /^[A-Za-z0-9._-]{1,64}$/);
  const at = first.callHeaders.findIndex((field) => field.toLowerCase() === 'ce-type');
  assert.equal(first.callHeaders[at + 1], 'order');
  await first.acknowledge();
  await world.send('two', ['a', 'b']);
  const second = await take(connection);
  assert.equal(textOf(second), 'two');
  assert.notEqual(second.id, first.id);
  await second.acknowledge();
  assert.equal((await connection.lag()) ?? 0, 0);
}

async function putsOff(world: SourceWorld, open: Open): Promise<void> {
  const connection = await open(world.source());
  await world.send('one', ['a', 'b']);
  const first = await take(connection);
  const beganMs = performance.now();
  await first.putOff(300);
  const again = await take(connection);
  assert.ok(performance.now() - beganMs >= 290, 'it came too early');
  assert.deepEqual([textOf(again), again.attempt, again.id], ['one', 2, first.id]);
  again.extend();
  await again.acknowledge();
}

async function waits(world: SourceWorld, open: Open): Promise<void> {
  const connection = await open(world.source());
  const stop = new AbortController();
  const waiting = connection.next(stop.signal);
  stop.abort();
  assert.equal(await waiting, undefined);
  await world.send('one', ['a', 'b']);
  const delivery = await take(connection);
  assert.deepEqual([textOf(delivery), delivery.attempt], ['one', 1]);
  await delivery.acknowledge();
}

async function shares(world: SourceWorld, open: Open): Promise<void> {
  const both = [await open(world.source()), await open(world.source())];
  const bodies = ['a', 'b', 'c', 'd', 'e', 'f'];
  const seen: string[] = [];
  const stop = new AbortController();
  const readers = both.map(async (connection) => {
    for (;;) {
      const delivery = await connection.next(stop.signal);
      if (delivery === undefined) return;
      seen.push(textOf(delivery));
      await delivery.acknowledge();
    }
  });
  for (const body of bodies) await world.send(body, ['a', 'b']);
  await until('all messages', () => seen.length >= bodies.length, longMs);
  stop.abort();
  await Promise.all(readers);
  assert.deepEqual(seen.toSorted(), bodies);
}

async function publishes(world: SourceWorld, open: Open): Promise<void> {
  const connection = await open(world.source());
  const heard = await world.hear('elsewhere');
  await connection.publish({ topic: 'elsewhere', headers: ['A', 'b'], body: Buffer.from('hello') });
  assert.equal(await heard.next, 'hello');
  const large = { topic: 'elsewhere', headers: [], body: Buffer.alloc(64 * 2 ** 20) };
  await assert.rejects(connection.publish(large), { name: 'TinderboxError' });
}

async function survives(world: SourceWorld, open: Open): Promise<void> {
  const source = world.source();
  const first = await source.connect(silent, never);
  await world.send('one', ['a', 'b']);
  const held = await take(first);
  assert.equal(textOf(held), 'one');
  await held.putOff(0);
  await first.close();
  const second = await open(world.source());
  await world.send('two', ['a', 'b']);
  const next = await take(second);
  assert.equal(textOf(next), source.durable ? 'one' : 'two');
  await next.acknowledge();
}

async function restarts(world: SourceWorld, open: Open): Promise<void> {
  if (world.restart === undefined) return;
  const source = world.source();
  const heard: string[] = [];
  const connection = await open(source, {
    connected: () => heard.push('connected'),
    disconnected: () => heard.push('disconnected'),
  });
  if (source.durable) await world.send('kept', ['a', 'b']);
  const waiting = source.durable ? undefined : connection.next(AbortSignal.timeout(longMs));
  await world.restart();
  await until('it is found again', () => heard.at(-1) === 'connected', longMs);
  if (!source.durable) await world.send('new', ['a', 'b']);
  const delivery = waiting === undefined ? await take(connection) : await waiting;
  assert.ok(delivery !== undefined);
  assert.equal(textOf(delivery), source.durable ? 'kept' : 'new');
  await delivery.acknowledge();
}

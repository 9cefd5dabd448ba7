import { describeQueue, type QueueUnderTest } from '../conformance.ts';
import type { TestContext } from 'node:test';
import { type TestNats, useNats } from '../../../test/support/nats-server.ts';
import type { QueueLimits } from '../queue.ts';
import { createNatsQueue, type NatsQueueOptions } from './nats-queue.ts';
import { after, suite } from 'node:test';

let names = 0;

function optionsFor(server: TestNats, limits: QueueLimits): NatsQueueOptions {
  const name = `test${(names += 1)}`;
  return { access: { servers: [server.url] }, name, platform: 'one', replicas: 1, leaseMs: 10_000, limits };
}

suite('NATS', async () => {
  const server = await useNats({ after, skip: () => undefined });
  if (server === undefined) return;
  describeQueue('the NATS queue', async (t: TestContext, limits: QueueLimits): Promise<QueueUnderTest> => {
    const options = optionsFor(server, limits);
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

import { readFile } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import type { Scheduler } from '../events/schedule/scheduler.ts';
import { createCaller, deadJobFrom } from '../events/sources/create-caller.ts';
import { createNatsConnections, type NatsAddress } from '../events/sources/nats/connections.ts';
import { createNatsSource } from '../events/sources/nats/create-nats-source.ts';
import { createTriggerHost } from '../events/triggers/trigger-host.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Invoke } from '../model/invocation.ts';
import type { TriggerSpec } from '../model/trigger.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { AsyncCalls } from '../queue/async-calls.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { Store } from '../store/store.ts';
import { drainMs } from './drain-time.ts';

interface TriggerParts {
  readonly store: Store;
  readonly secrets: Pick<Secrets, 'get'>;
  readonly invoke: Invoke;
  readonly metrics: Pick<Metrics, 'showTriggers'>;
  readonly scheduler: Scheduler;
  readonly calls: Pick<AsyncCalls, 'accept'>;
  readonly drain: () => AbortSignal;
}

/** What sets functions off besides calls and the schedules of annotations. */
export async function startTriggers(
  config: Config,
  { store, secrets, invoke, metrics, scheduler, calls, drain }: TriggerParts,
  stack: AsyncDisposableStack,
) {
  const nats = ownNats(config);
  const connections = createNatsConnections();
  const caller = { invoke, replyBytes: config.queue.bodyBytes, now: Date.now };
  const host = await createTriggerHost({
    store,
    scheduler,
    nats: nats !== undefined,
    sourceOf: (spec, tell) =>
      createNatsSource(spec, { connections, tell, address: () => addressOf(spec, nats, secrets) }),
    call: (spec) => createCaller(spec, caller),
    bury: (spec) => async (delivery, reason) => {
      await calls.accept(deadJobFrom(spec, delivery, reason, Date.now()));
    },
    drainMs,
  });
  stack.defer(() => host.close(drain()));
  metrics.showTriggers(host);
  return { nats: nats !== undefined, status: (key: string) => host.status(key) };
}

/** That of triggers, else the one that keeps stored calls. */
function ownNats({ events, nats }: Config): (() => Promise<NatsAddress>) | undefined {
  if (events.nats === undefined) return nats === undefined ? undefined : () => Promise.resolve(nats.access);
  const { servers, credentialsFile: file } = events.nats;
  return async () => ({ servers, ...(file === undefined ? {} : { credentials: await readFile(file, 'utf8') }) });
}

/** Its own server with the credentials of its secret, or the platform's. */
async function addressOf(
  { namespace, nats }: TriggerSpec,
  own: (() => Promise<NatsAddress>) | undefined,
  secrets: Pick<Secrets, 'get'>,
): Promise<NatsAddress> {
  if (nats?.servers === undefined) {
    if (own === undefined) throw new TinderboxError('unavailable', 'the platform has no NATS server of its own');
    return await own();
  }
  const { servers, secret } = nats;
  if (secret === undefined) return { servers };
  const found = await secrets.get(namespace, secret);
  if (found === undefined) {
    throw new TinderboxError('unavailable', `secret "${secret}" does not exist in namespace "${namespace}"`);
  }
  return { servers, credentials: found.value.toString('utf8') };
}

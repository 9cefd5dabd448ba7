import { channel } from 'node:diagnostics_channel';

/** A typed channel: parts publish, logs and metrics subscribe; publishing without a subscriber costs one comparison. */
export interface TypedChannel<T> {
  publish(event: T): void;
  subscribe(listener: (event: T) => void): () => void;
}

function typedChannel<T>(name: string): TypedChannel<T> {
  const underlying = channel(`tinderbox:${name}`);
  return {
    publish(event) {
      if (underlying.hasSubscribers) underlying.publish(event);
    },
    subscribe(listener) {
      const untyped = (event: unknown): void => listener(event as T);
      underlying.subscribe(untyped);
      return () => {
        underlying.unsubscribe(untyped);
      };
    },
  };
}

/** A call ended, whatever its outcome; only for functions that exist. */
export interface InvocationEnd {
  readonly id: string;
  readonly function: string;
  readonly status: number;
  readonly durationMs: number;
  /** Time between arrival and a slot. */
  readonly queuedMs: number;
  /** Whether it waited for an instance to start. */
  readonly cold: boolean;
}

export const invocationStart = typedChannel<{ readonly function: string }>('invocation:start');
export const invocationEnd = typedChannel<InvocationEnd>('invocation:end');
export const instanceChanged = typedChannel<import('../model/instance.ts').Instance>('instance:changed');
export const coldStart = typedChannel<{
  readonly revision: string;
  readonly durationMs: number;
  readonly pooled: boolean;
}>('instance:cold-start');
/** The engine was told another number of instances of a revision, and took it or refused. */
export const scaleStated = typedChannel<{ readonly revision: string; readonly ok: boolean }>('scale:stated');
export const rolloutChanged = typedChannel<{
  readonly revision: string;
  readonly state: string;
  readonly reason?: string;
}>('rollout:changed');

/** A request of the API was answered; `path` is its route (`/system/function/:name`), never what a client made up. */
export interface RequestEnd {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
}

export const requestEnd = typedChannel<RequestEnd>('request:end');

/** A job was stored; `queue` is the name of the queue it takes its turn in. */
export const jobAccepted = typedChannel<{ readonly lane: string; readonly queue: string }>('job:accepted');
/** An attempt of a job ended, and what became of the job is on disk. */
export const jobSettled = typedChannel<{
  readonly lane: string;
  readonly queue: string;
  readonly outcome: 'done' | 'retry' | 'dead';
}>('job:settled');

/** A connection to NATS that was lost is there again. */
export const natsReconnected = typedChannel<{ readonly at: string }>('nats:reconnected');

/** Something the operator should read; `part` is the folder it comes from. */
export interface Notice {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly part: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export const notice = typedChannel<Notice>('notice');

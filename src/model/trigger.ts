import type { FunctionKey } from './names.ts';

/** What can set a function off; a trigger has the part of its specification that is named after its kind. */
export const triggerKinds = ['schedule', 'nats'] as const;
export type TriggerKind = (typeof triggerKinds)[number];

/** Who keeps a trigger, besides who made it one by one: `stack` is a stack file, and one that is gone from it goes. */
export const triggerOrigins = ['stack'] as const;
export type TriggerOrigin = (typeof triggerOrigins)[number];

/** Functions called by the clock. */
export interface ScheduleTrigger {
  /** Cron with five fields, six with seconds first, `@every 90s`, `@at 2026-12-24T18:00:00Z`, …; at least one. */
  readonly expressions: readonly string[];
  /** Of expressions without one of their own; default UTC. */
  readonly timezone: string;
  readonly missed: 'skip' | 'once';
  readonly overlap: 'allow' | 'skip';
  /** What the function is sent; default nothing. */
  readonly body: string;
}

/** Functions called with messages of NATS: of a subject, or of a stream (JetStream) when one is named. */
export interface NatsTrigger {
  /** Wildcards allowed. */
  readonly subject: string;
  /** Absent: the platform's own. */
  readonly servers?: readonly string[];
  /** Secret of the namespace with the credentials of `servers`: a credentials file, `user:password` or a token. */
  readonly secret?: string;
  /** Without a stream: of those with the same group one gets each message; default made of the trigger's name. */
  readonly queueGroup?: string;
  readonly stream?: string;
  /** Whether the stream is made, of this subject, when it is not there; default false. */
  readonly createStream?: boolean;
  /** Name of the durable consumer; default made of the trigger's name. One that was named outlives its trigger. */
  readonly durable?: string;
  /** Where a new consumer begins; default `all`. */
  readonly deliver?: 'all' | 'new' | 'last';
}

/** What sets off a function, complete and validated. */
export interface TriggerSpec {
  readonly namespace: string;
  readonly name: string;
  /** Name of a function of the same namespace. */
  readonly function: string;
  readonly method: string;
  /** Path below the function with query, begins with `/`. */
  readonly path: string;
  /** Added to those of the source. */
  readonly headers: Readonly<Record<string, string>>;
  readonly kind: TriggerKind;
  readonly schedule?: ScheduleTrigger;
  readonly nats?: NatsTrigger;
  readonly paused: boolean;
  /** Absent: it was made by itself and stays until it is deleted. */
  readonly origin?: TriggerOrigin;
  /** How messages are dealt with; of kinds that have messages. */
  readonly delivery?: DeliverySettings;
}

/** How messages are given to a function. */
export interface DeliverySettings {
  /** Calls at once, of one platform; default 10. */
  readonly concurrency: number;
  /** Deliveries of a message until it is given up; default 5. */
  readonly attempts: number;
  /** Wait before the second; doubles; default 1 s. */
  readonly minWaitMs: number;
  /** Longest wait; default 60 s. */
  readonly maxWaitMs: number;
  /** Where answers go; absent: nowhere. */
  readonly responseTopic?: string;
  /** Where messages go that were given up; absent: they become dead letters of the queue. */
  readonly errorTopic?: string;
}

export const defaultDelivery: DeliverySettings = { concurrency: 10, attempts: 5, minWaitMs: 1000, maxWaitMs: 60_000 };

/** What the store keeps of a trigger under `triggers/NAMESPACE/NAME`. */
export interface TriggerRecord {
  readonly spec: TriggerSpec;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** What goes on at a trigger's source, since the platform started or the trigger was changed. */
export interface SourceStatus {
  readonly connected: boolean;
  /** Calls under way. */
  readonly inFlight: number;
  /** Messages the function answered with success. */
  readonly delivered: number;
  /** Deliveries that failed and are to be tried again. */
  readonly retried: number;
  /** Messages that were given up. */
  readonly failed: number;
  /** Messages that wait at the source, where it can tell. */
  readonly lag?: number;
  readonly lastError?: string;
  /** RFC 3339. */
  readonly lastErrorAt?: string;
}

/** Delivery settings as they are asked for and told; what is left out is completed. */
export interface DeliveryTexts {
  readonly concurrency?: number;
  readonly attempts?: number;
  /** Go durations. */
  readonly minWait?: string;
  readonly maxWait?: string;
  readonly responseTopic?: string;
  readonly errorTopic?: string;
}

/** A trigger as the API tells of it: its specification as it is given, and how it fares. */
export interface TriggerStatus extends DeliveryTexts {
  readonly name: string;
  readonly namespace: string;
  readonly function: string;
  readonly kind: TriggerKind;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly schedule?: ScheduleTrigger;
  readonly nats?: NatsTrigger;
  readonly paused: boolean;
  /** Made by an annotation of the function: it changes with that one only. */
  readonly readOnly: boolean;
  readonly origin?: TriggerOrigin;
  /** Of what is stored; a write that names it fails when somebody else wrote meanwhile. */
  readonly version?: number;
  readonly createdAt?: string;
  /** The next due times, RFC 3339, of a schedule that is not paused. */
  readonly nextRuns?: readonly string[];
  readonly status?: SourceStatus;
}

/** `name.namespace` of the function a trigger sets off. */
export function functionOf({ namespace, function: name }: Pick<TriggerSpec, 'namespace' | 'function'>): FunctionKey {
  return `${name}.${namespace}`;
}

/** `namespace/name`, as triggers are told apart in metrics and logs. */
export function formatTriggerKey({ namespace, name }: Pick<TriggerSpec, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

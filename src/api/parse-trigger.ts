import { z } from 'zod';
import { assertNatsName, assertSubject } from '../events/sources/nats/subject.ts';
import { isAnnotationName } from '../events/triggers/annotation-triggers.ts';
import { schedulesOf } from '../events/triggers/trigger-schedules.ts';
import { parseDurationMs } from '../model/duration.ts';
import { TinderboxError } from '../model/errors.ts';
import { isHopByHop } from '../model/hop-by-hop.ts';
import { assertName, assertSecretName, defaultNamespace } from '../model/names.ts';
import { shorten } from '../model/shorten.ts';
import {
  type DeliverySettings,
  defaultDelivery,
  type NatsTrigger,
  type ScheduleTrigger,
  type TriggerKind,
  type TriggerSpec,
  triggerKinds,
  triggerOrigins,
} from '../model/trigger.ts';
import { parseFields } from './parse-json.ts';

const mostExpressions = 100;
const mostConcurrency = 1000;
const mostAttempts = 1000;
const longestWaitMs = 24 * 3_600_000;
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const text = (most: number): z.ZodString => z.string('is not a string').max(most, `has more than ${most} characters`);
const filled = (most: number): z.ZodString => text(most).min(1, 'is empty');
const flag = z.boolean('is neither true nor false');
const whole = (most: number): z.ZodNumber =>
  z.int('is not a whole number').min(1, 'is below 1').max(most, `is above ${most}`);
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, `is not one of ${values.join(', ')}`);

const schedule = z.strictObject(
  {
    expressions: z
      .array(filled(1000), 'is not a list')
      .min(1, 'is empty; give at least one')
      .max(mostExpressions, `has more than ${mostExpressions} entries`),
    timezone: filled(100).nullish(),
    missed: oneOf(['skip', 'once']).nullish(),
    overlap: oneOf(['allow', 'skip']).nullish(),
    body: text(256 * 1024).nullish(),
  },
  'is not an object',
);

const nats = z.strictObject(
  {
    subject: text(10_000),
    servers: z.array(filled(1000), 'is not a list').max(20, 'has more than 20 entries').nullish(),
    secret: filled(253).nullish(),
    queueGroup: text(10_000).nullish(),
    stream: text(10_000).nullish(),
    createStream: flag.nullish(),
    durable: text(10_000).nullish(),
    deliver: oneOf(['all', 'new', 'last']).nullish(),
  },
  'is not an object',
);

const told = z.unknown().optional();

/** A trigger as it is written; what only a status has (`status`, `nextRuns`, `createdAt`, `readOnly`) is without effect. */
export const triggerRequest = z.strictObject(
  {
    name: text(10_000).nullish(),
    namespace: text(10_000).nullish(),
    function: text(10_000),
    kind: oneOf(triggerKinds).nullish(),
    method: oneOf(methods).nullish(),
    path: text(8192).nullish(),
    headers: z
      .record(z.string(), text(8192), 'is not an object of strings')
      .refine((map) => Object.keys(map).length <= 100, 'has more than 100 entries')
      .nullish(),
    schedule: schedule.nullish(),
    nats: nats.nullish(),
    paused: flag.nullish(),
    origin: oneOf(triggerOrigins).nullish(),
    concurrency: whole(mostConcurrency).nullish(),
    attempts: whole(mostAttempts).nullish(),
    minWait: text(100).nullish(),
    maxWait: text(100).nullish(),
    responseTopic: text(10_000).nullish(),
    errorTopic: text(10_000).nullish(),
    version: z.int('is not a whole number').nullish(),
    createdAt: told,
    readOnly: told,
    status: told,
    nextRuns: told,
  },
  'is not a JSON object',
);

type Request = z.infer<typeof triggerRequest>;

/** What a request says besides the trigger itself. */
export interface ParsedTrigger {
  readonly spec: TriggerSpec;
  /** The version it was decided on. */
  readonly version: number | undefined;
}

/** From where the name and namespace may come besides the body. */
interface Place {
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Throws `invalid`, naming the field, its value and the limit. `natsHere`: the platform has a server of its own. */
export function parseTrigger(json: unknown, place: Place, natsHere: boolean): ParsedTrigger {
  const given = parseFields(triggerRequest, json);
  const name = given.name || place.name || '';
  if (name === '') throw new TinderboxError('invalid', 'name: is required');
  if (place.name !== undefined && name !== place.name) {
    throw new TinderboxError('invalid', `name: "${shorten(name)}" is not the trigger of the path, "${place.name}"`);
  }
  const namespace = given.namespace || place.namespace || defaultNamespace;
  // One of an annotation is refused later, for what it is.
  if (place.name === undefined || !isAnnotationName(name)) assertName('trigger', name);
  assertName('namespace', namespace);
  assertName('function', given.function);
  const kind = kindOf(given);
  const spec: TriggerSpec = {
    namespace,
    name,
    function: given.function,
    method: given.method ?? 'POST',
    path: pathOf(given.path ?? '/'),
    headers: headersOf(given.headers ?? {}),
    kind,
    ...(given.schedule ? { schedule: scheduleFrom(given.schedule) } : {}),
    ...(given.nats ? { nats: natsFrom(given.nats, natsHere) } : {}),
    paused: given.paused ?? false,
    ...(given.origin ? { origin: given.origin } : {}),
    ...deliveryOf(kind, given),
  };
  schedulesOf(spec);
  return { spec, version: given.version ?? undefined };
}

function kindOf(given: Request): TriggerKind {
  const parts = triggerKinds.filter((kind) => given[kind]);
  const [kind, other] = parts;
  if (kind === undefined) {
    throw new TinderboxError('invalid', `the trigger has no source: give one of ${triggerKinds.join(', ')}`);
  }
  if (other !== undefined) throw new TinderboxError('invalid', `${other}: the trigger has ${kind} already; give one`);
  if (given.kind && given.kind !== kind) {
    throw new TinderboxError('invalid', `kind: "${given.kind}" does not fit what is given, ${kind}`);
  }
  return kind;
}

function pathOf(path: string): string {
  if (/^\/[\x21-\x7e]*$/.test(path)) return path;
  throw new TinderboxError('invalid', `path: "${shorten(path)}" does not begin with / or has white space`);
}

const ownHeaders = new Set(['host', 'content-length', 'expect', 'x-call-id']);

function headersOf(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    const what = `headers.${shorten(name)}`;
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$/.test(name))
      throw new TinderboxError('invalid', `${what}: is not a name`);
    if (isHopByHop(name) || ownHeaders.has(name.toLowerCase())) {
      throw new TinderboxError('invalid', `${what}: belongs to the platform`);
    }
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new TinderboxError('invalid', `${what}: has control characters`);
  }
  return headers;
}

function scheduleFrom(given: z.infer<typeof schedule>): ScheduleTrigger {
  return {
    expressions: given.expressions.map((expression) => expression.trim().replaceAll(/\s+/g, ' ')),
    timezone: given.timezone ?? 'UTC',
    missed: given.missed ?? 'skip',
    overlap: given.overlap ?? 'allow',
    body: given.body ?? '',
  };
}

function natsFrom(given: z.infer<typeof nats>, natsHere: boolean): NatsTrigger {
  const { subject, servers, secret, queueGroup, stream, createStream, durable, deliver } = given;
  assertSubject('nats.subject', subject, true);
  if (queueGroup) assertSubject('nats.queueGroup', queueGroup, false);
  if (stream) assertNatsName('nats.stream', stream);
  if (durable) assertNatsName('nats.durable', durable);
  if (secret) assertSecretName(secret);
  for (const server of servers ?? []) assertServer(server);
  if (!servers?.length && secret) throw new TinderboxError('invalid', 'nats.secret: needs nats.servers, whose it is');
  if (!servers?.length && !natsHere) {
    throw new TinderboxError('invalid', 'nats.servers: is required, the platform has no NATS server of its own', {
      hint: 'name one, or start the platform with --events-nats nats://HOST:4222',
    });
  }
  const streamed = Object.entries({ createStream, durable, deliver }).find(([, value]) => value);
  if (!stream && streamed)
    throw new TinderboxError('invalid', `nats.${streamed[0]}: is for JetStream; name its nats.stream`);
  if (stream && queueGroup)
    throw new TinderboxError('invalid', 'nats.queueGroup: a stream is shared by its durable instead');
  return {
    subject,
    ...(servers?.length ? { servers } : {}),
    ...(secret ? { secret } : {}),
    ...(queueGroup ? { queueGroup } : {}),
    ...(stream ? { stream } : {}),
    ...(createStream ? { createStream } : {}),
    ...(durable ? { durable } : {}),
    ...(deliver ? { deliver } : {}),
  };
}

function assertServer(server: string): void {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    throw new TinderboxError('invalid', `nats.servers: "${shorten(server)}" is not of the form nats://HOST:4222`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TinderboxError('invalid', 'nats.servers: has credentials in it; put them into a secret and name that');
  }
}

const deliveryFields = ['concurrency', 'attempts', 'minWait', 'maxWait', 'responseTopic', 'errorTopic'] as const;

function deliveryOf(kind: TriggerKind, given: Request): { readonly delivery?: DeliverySettings } {
  if (kind === 'schedule') {
    const odd = deliveryFields.find((field) => given[field]);
    if (odd === undefined) return {};
    throw new TinderboxError('invalid', `${odd}: is for messages; the calls of a schedule are stored calls`, {
      hint: 'they are tried again by the annotations com.openfaas.retry.* of the function; overlap bounds them',
    });
  }
  const { concurrency, attempts, minWait, maxWait, responseTopic, errorTopic } = given;
  for (const [what, topic] of Object.entries({ responseTopic, errorTopic })) {
    if (topic) assertSubject(what, topic, false);
  }
  const minWaitMs = waitOf('minWait', minWait) ?? defaultDelivery.minWaitMs;
  return {
    delivery: {
      concurrency: concurrency ?? defaultDelivery.concurrency,
      attempts: attempts ?? defaultDelivery.attempts,
      minWaitMs,
      maxWaitMs: Math.max(minWaitMs, waitOf('maxWait', maxWait) ?? defaultDelivery.maxWaitMs),
      ...(responseTopic ? { responseTopic } : {}),
      ...(errorTopic ? { errorTopic } : {}),
    },
  };
}

function waitOf(field: string, value: string | null | undefined): number | undefined {
  if (!value) return undefined;
  const ms = parseDurationMs(value, `${field}:`);
  if (ms >= 1 && ms <= longestWaitMs) return ms;
  throw new TinderboxError('invalid', `${field}: "${shorten(value)}" is not a duration from 1ms to 24h`);
}

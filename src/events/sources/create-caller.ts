import { Cancel } from '../../model/cancel.ts';
import type { Invoke, RawHeaders } from '../../model/invocation.ts';
import { functionOf, type TriggerSpec } from '../../model/trigger.ts';
import { type Attempt, historyBytes, makeCall } from '../../queue/attempt.ts';
import type { CallPayload, Job } from '../../queue/job.ts';
import type { CallAnswer } from './pump.ts';
import type { Delivery } from './source.ts';

export interface CallerOptions {
  readonly invoke: Invoke;
  /** Longest answer that is published. */
  readonly replyBytes: number;
  /** Unix time in ms. */
  readonly now: () => number;
}

/** Calls a trigger's function with messages; never rejects. */
export function createCaller(spec: TriggerSpec, options: CallerOptions) {
  return async (delivery: Delivery, signal: Cancel): Promise<CallAnswer> => {
    const published = (spec.delivery?.responseTopic ?? delivery.replyTopic) !== undefined;
    const keep = published ? options.replyBytes : historyBytes;
    const { id, body } = delivery;
    const attempt = await makeCall(
      { id, payload: payloadFrom(spec, delivery), body, keep, source: 'event' },
      options,
      signal,
    );
    const answer = {
      status: attempt.status,
      retryAfterMs: attempt.retryAfterMs,
      headers: answerHeaders(spec, delivery, attempt),
      body: attempt.body,
      failure: failureOf(attempt),
    };
    if (!published || !attempt.truncated) return answer;
    return {
      ...answer,
      status: 502,
      failure: `the answer is longer than the ${options.replyBytes} bytes that are published`,
    };
  };
}

/** The stored call that a message becomes when it was given up: a dead letter, which can be looked at and replayed. */
export function deadJobFrom(spec: TriggerSpec, delivery: Delivery, reason: string, nowMs: number): Job {
  return {
    id: delivery.id,
    lane: functionOf(spec),
    priority: 0,
    dueMs: nowMs,
    createdMs: nowMs,
    rememberMs: 0,
    payload: { ...payloadFrom(spec, delivery), givenUp: reason },
    body: delivery.body,
  };
}

function payloadFrom(spec: TriggerSpec, { id, topic, callHeaders }: Delivery): CallPayload {
  const own = Object.entries(spec.headers).flat();
  const given = new Set(Object.keys(spec.headers).map((name) => name.toLowerCase()));
  const others = ['X-Connector', `tinderbox ${spec.kind}`, 'X-Topic', topic, 'X-Call-Id', id, ...callHeaders];
  const headers = own;
  for (let at = 0; at + 1 < others.length; at += 2) {
    const name = others[at] ?? '';
    if (!given.has(name.toLowerCase())) headers.push(name, others[at + 1] ?? '');
  }
  return { kind: 'call', function: functionOf(spec), method: spec.method, target: spec.path, headers };
}

/** What of an answer's headers means something to whoever reads its topic. */
const told = /^(content-type|traceparent|tracestate|ce-.+)$/i;

function answerHeaders(spec: TriggerSpec, { id, topic }: Delivery, attempt: Attempt): RawHeaders {
  const headers = ['X-Call-Id', id, 'X-Topic', topic, 'X-Function-Name', functionOf(spec)];
  headers.push('X-Function-Status', String(attempt.status));
  headers.push('X-Duration-Seconds', (attempt.durationMs / 1000).toFixed(6));
  for (let at = 0; at + 1 < attempt.headers.length; at += 2) {
    const name = attempt.headers[at] ?? '';
    if (told.test(name)) headers.push(name, attempt.headers[at + 1] ?? '');
  }
  return headers;
}

function failureOf({ status, origin, body }: Attempt): string {
  const text = `status ${status} from the ${origin}`;
  if (origin === 'function') return text;
  const [why = ''] = body.toString('utf8', 0, 300).split('\n');
  return why === '' ? text : `${text}: ${why}`;
}

/**
 * Spans of calls: one for the call as a whole, one for its wait for an instance, one for its time in the instance. The
 * function is told the last one, so that what it traces itself hangs below it.
 *
 * It wraps `invoke` from outside: a platform that does not trace has nothing of this on the path of a call.
 */
import { TinderboxError } from '../../model/errors.ts';
import type { Invocation, InvocationSource, Invoke, RawHeaders } from '../../model/invocation.ts';
import { type InvocationEnd, invocationEnd } from '../channels.ts';
import type { OpenSpan, SpanStart, Tracer } from './tracer.ts';
import { withTraceContext } from './trace-context.ts';
import type { SpanAttributes } from './span.ts';

/** OpenTelemetry's `faas.trigger`. */
const triggers: Readonly<Record<InvocationSource, string>> = {
  http: 'http',
  async: 'pubsub',
  event: 'pubsub',
  schedule: 'timer',
  workflow: 'other',
};

/** A call under way. */
interface TracedCall {
  readonly call: Invocation;
  /** When it was given to the router, in ms of `performance.now()`. */
  readonly enteredMs: number;
  readonly whole: OpenSpan;
  /** Of its time in the instance; known before that begins, since the function is told it. */
  readonly instanceSpanId: string;
}

/** Calls under way by id; a client may use an id twice at once. */
type UnderWay = Map<string, TracedCall[]>;

/** Traces calls through `next`; the second part is the way to stop. */
export function traceInvoke(next: Invoke, tracer: Tracer): { readonly invoke: Invoke; close(): void } {
  const underWay: UnderWay = new Map();
  const stop = invocationEnd.subscribe((event) => {
    const traced = takeEnded(underWay, event);
    if (traced !== undefined) endSpans(tracer, traced, event);
  });
  const invoke: Invoke = (call, signal) => {
    const begun = tracer.begin(call.headers, {
      name: `${call.source === 'http' ? call.method : 'process'} ${call.function}`,
      kind: call.source === 'http' ? 'server' : 'consumer',
      atMs: call.arrivedAtMs,
    });
    if (!begun.span.context.sampled) return next(withHeaders(call, begun.headers), signal);
    const { context } = tracer.below(begun.span, instanceSpan(call));
    const enteredMs = performance.now();
    const traced = { call, enteredMs, whole: begun.span, instanceSpanId: context.spanId };
    underWay.set(call.id, [...(underWay.get(call.id) ?? []), traced]);
    const reply = next({ ...call, headers: withTraceContext(begun.headers, context, true) }, signal);
    // What the router refused before it was a call has no end of its own.
    reply.catch((reason: unknown) => {
      if (!takeThis(underWay, traced)) return;
      const { status, code } = TinderboxError.from(reason);
      traced.whole.end({ ...describe(call), 'http.response.status_code': status }, code);
    });
    return reply;
  };
  return { invoke, close: stop };
}

function endSpans(tracer: Tracer, { call, whole, instanceSpanId }: TracedCall, event: InvocationEnd): void {
  const { status, durationMs, queuedMs, cold } = event;
  const endedMs = performance.now();
  const enteredMs = endedMs - durationMs;
  const failed = status >= 500 ? String(status) : undefined;
  const outcome = { 'http.response.status_code': status };
  const named = { 'faas.invoked_name': call.function, 'faas.invocation_id': call.id };
  if (queuedMs > 0) {
    const wait = tracer.below(whole, { name: `wait ${call.function}`, kind: 'internal', atMs: enteredMs });
    wait.end({ ...named, 'faas.coldstart': cold }, undefined, enteredMs + queuedMs);
  }
  // A call that waited to its end was never in an instance.
  if (queuedMs < durationMs) {
    const atMs = enteredMs + queuedMs;
    const inInstance = tracer.below(whole, { ...instanceSpan(call), atMs, spanId: instanceSpanId });
    inInstance.end({ ...named, ...outcome, 'faas.invoked_provider': 'tinderbox' }, failed, endedMs);
  }
  whole.end({ ...describe(call), ...outcome, 'faas.coldstart': cold }, failed, endedMs);
}

function instanceSpan(call: Invocation): SpanStart {
  return { name: `instance ${call.function}`, kind: 'client' };
}

function describe({ id, function: key, method, target, source }: Invocation): SpanAttributes {
  const query = target.indexOf('?');
  return {
    'faas.name': key,
    'faas.invocation_id': id,
    'faas.trigger': triggers[source],
    'http.request.method': method,
    // Queries hold what is nobody else's business.
    'url.path': query < 0 ? target : target.slice(0, query),
  };
}

function withHeaders(call: Invocation, headers: RawHeaders): Invocation {
  return headers === call.headers ? call : { ...call, headers };
}

/** Of several with its id, the one that took as long. */
function takeEnded(underWay: UnderWay, { id, durationMs }: InvocationEnd): TracedCall | undefined {
  const enteredMs = performance.now() - durationMs;
  const off = (traced: TracedCall): number => Math.abs(traced.enteredMs - enteredMs);
  const [first, ...others] = underWay.get(id) ?? [];
  if (first === undefined) return undefined;
  const ended = others.reduce((best, other) => (off(other) < off(best) ? other : best), first);
  takeThis(underWay, ended);
  return ended;
}

function takeThis(underWay: UnderWay, traced: TracedCall): boolean {
  const { id } = traced.call;
  const calls = underWay.get(id);
  if (calls === undefined || !calls.includes(traced)) return false;
  const others = calls.filter((other) => other !== traced);
  if (others.length === 0) underWay.delete(id);
  else underWay.set(id, others);
  return true;
}

import type { RawHeaders } from '../../model/invocation.ts';
import type { SpanAttributes, SpanKind, SpanSink } from './span.ts';
import { readTraceContext, type TraceContext, withTraceContext } from './trace-context.ts';
import { createTraceIds } from './trace-ids.ts';

/** What a span is begun with. */
export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  /** When, in ms of `performance.now()`; default now. */
  readonly atMs?: number;
  /** Where it was told to others before it began; default a new one. */
  readonly spanId?: string;
}

/** A span under way. One that is not sampled costs nothing but its context, which it hands on all the same. */
export interface OpenSpan {
  readonly context: TraceContext;
  /** Ends it; `error`: why it failed; `atMs`: when, default now. */
  end(attributes: SpanAttributes, error?: string, atMs?: number): void;
}

export interface Tracer {
  /** A span below the one these headers name, or the first of a new trace; and the headers with it in their place. */
  begin(headers: RawHeaders, start: SpanStart): { readonly span: OpenSpan; readonly headers: RawHeaders };
  /** A span below another of this process. */
  below(parent: OpenSpan, start: SpanStart): OpenSpan;
}

export interface TracerOptions {
  readonly sink: SpanSink;
  /** Share of new traces that are recorded, 0 to 1; a trace that came from elsewhere goes on as it was begun. */
  readonly ratio: number;
  readonly newId?: (bytes: 8 | 16) => string;
}

/** Whether a new trace is recorded, by its own id alone, so that whoever sees it decides the same (by its last 52 bits, which are random). */
export function decideSampled(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(19), 16) / 2 ** 52 >= 1 - ratio;
}

export function createTracer({ sink, ratio, newId = createTraceIds() }: TracerOptions): Tracer {
  const open = (context: TraceContext, parentSpanId: string | undefined, start: SpanStart): OpenSpan => {
    const { name, kind, atMs: startMs = performance.now() } = start;
    const end: OpenSpan['end'] = (attributes, error, atMs = performance.now()) => {
      if (!context.sampled) return;
      const toUnixMs = Date.now() - performance.now();
      const { traceId, spanId } = context;
      const times = { startMs: startMs + toUnixMs, endMs: Math.max(startMs, atMs) + toUnixMs };
      const span = { traceId, spanId, parentSpanId, name, kind, attributes, ...times };
      sink.add(error === undefined ? span : { ...span, error });
    };
    return { context, end };
  };
  return {
    begin(headers, start) {
      const parent = readTraceContext(headers);
      const traceId = parent?.traceId ?? newId(16);
      const sampled = parent?.sampled ?? decideSampled(traceId, ratio);
      // A trace nobody records passes on unchanged: there will be no span of ours in it.
      if (parent !== undefined && !sampled) return { span: open(parent, undefined, start), headers };
      const context = { traceId, spanId: newId(8), sampled };
      const span = open(context, parent?.spanId, start);
      return { span, headers: withTraceContext(headers, context, parent !== undefined) };
    },
    below(parent, start) {
      const { traceId, spanId, sampled } = parent.context;
      return open({ traceId, spanId: start.spanId ?? newId(8), sampled }, spanId, start);
    },
  };
}

import type { Span, SpanAttributes, SpanKind } from './span.ts';

/** Who sends the spans. */
export interface TraceResource {
  readonly serviceName: string;
  readonly version: string;
  /** Further attributes of the resource. */
  readonly attributes: Readonly<Record<string, string>>;
}

const kinds: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const failedStatus = 2;

/** The body of `POST /v1/traces` in OTLP's JSON form (opentelemetry-proto 1.x: ids in hexadecimal, times as text). */
export function formatOtlp(spans: readonly Span[], resource: TraceResource): string {
  const { serviceName, version, attributes } = resource;
  const own = { ...attributes, 'service.name': serviceName, 'service.version': version };
  const scopeSpans = [{ scope: { name: 'tinderbox', version }, spans: spans.map(spanOf) }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: attributesOf(own) }, scopeSpans }] });
}

function spanOf(span: Span): object {
  const { traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, error } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: kinds[kind],
    startTimeUnixNano: unixNano(startMs),
    endTimeUnixNano: unixNano(endMs),
    attributes: attributesOf(error === undefined ? attributes : { ...attributes, 'error.type': error }),
    status: error === undefined ? {} : { code: failedStatus, message: error },
  };
}

/** Microseconds are what a double holds of the time of day. */
function unixNano(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}

function attributesOf(attributes: SpanAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }));
}

function valueOf(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

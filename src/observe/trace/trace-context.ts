import type { RawHeaders } from '../../model/invocation.ts';
import { same } from '../../model/hop-by-hop.ts';

/** Where in which trace something is (W3C Trace Context, level 2). Ids are lower-case hexadecimal. */
export interface TraceContext {
  /** 32 digits, not all zero. */
  readonly traceId: string;
  /** 16 digits, not all zero: the span that asks. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const version00 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** Of a version to come: what is known of 00, then whatever it adds after another dash. */
const laterVersion = /^(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const zeros = /^0+$/;

/** Undefined when it is not valid: whoever gets such begins a trace of their own. */
export function parseTraceparent(text: string): TraceContext | undefined {
  const match = version00.exec(text) ?? laterVersion.exec(text);
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** The context a request came with; undefined: none, more than one, or one that is not valid. */
export function readTraceContext(headers: RawHeaders): TraceContext | undefined {
  let found: string | undefined;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (!same(headers[at] as string, 'traceparent')) continue;
    if (found !== undefined) return undefined;
    found = headers[at + 1] as string;
  }
  return found === undefined ? undefined : parseTraceparent(found.trim());
}

/** The headers with this context in place of theirs. `keepState`: whether `tracestate` belongs to the same trace. */
export function withTraceContext(headers: RawHeaders, context: TraceContext, keepState: boolean): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    if (same(name, 'traceparent') || (!keepState && same(name, 'tracestate'))) continue;
    kept.push(name, headers[at + 1] as string);
  }
  kept.push('traceparent', formatTraceparent(context));
  return kept;
}

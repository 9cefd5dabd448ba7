import { backOffMs } from '../model/back-off.ts';
import type { ReplyOrigin } from '../model/invocation.ts';
import type { RetrySettings } from '../model/retry-settings.ts';

/** How an attempt ended. */
export interface AttemptOutcome {
  readonly status: number;
  /** Anything but `function` is the platform's own answer, which is always tried again. */
  readonly origin: ReplyOrigin;
  /** What the answer asked for in `Retry-After`. */
  readonly retryAfterMs: number | undefined;
}

export interface AttemptContext {
  /** Counts from 1. */
  readonly attempt: number;
  /** When it was first meant to run. */
  readonly sinceMs: number;
  readonly nowMs: number;
  /** 0 to 1, for jitter. */
  readonly random: number;
}

export type RetryDecision =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly atMs: number }
  | { readonly kind: 'dead'; readonly reason: string };

/**
 * What follows from an attempt, as in OpenFaaS's queue worker (docs, "Async", retries): tried again when the platform
 * answered instead of the function, or the status is one of `codes`. The wait doubles from `minWaitMs` up to `maxWaitMs`,
 * each between its half and its whole (equal jitter); a `Retry-After` of 429 and 503 takes its place, but is not
 * shorter than `minWaitMs` nor longer than `maxWaitMs`. Out of attempts, or older than `maxAgeMs`, it is given up.
 */
export function decideRetry(outcome: AttemptOutcome, retry: RetrySettings, context: AttemptContext): RetryDecision {
  if (outcome.origin === 'function' && !retry.codes.includes(outcome.status)) return { kind: 'done' };
  const { attempt, sinceMs, nowMs } = context;
  const last = `status ${outcome.status} from the ${outcome.origin}`;
  if (attempt >= retry.attempts) return { kind: 'dead', reason: `${last} at attempt ${attempt} of ${retry.attempts}` };
  const atMs = nowMs + waitMs(outcome, retry, context);
  if (atMs - sinceMs > retry.maxAgeMs) {
    return { kind: 'dead', reason: `${last}, and older than ${retry.maxAgeMs} ms by the next attempt` };
  }
  return { kind: 'retry', atMs };
}

function waitMs(outcome: AttemptOutcome, retry: RetrySettings, { attempt, random }: AttemptContext): number {
  const asked = outcome.status === 429 || outcome.status === 503 ? outcome.retryAfterMs : undefined;
  if (asked !== undefined) return Math.min(retry.maxWaitMs, Math.max(retry.minWaitMs, asked));
  return backOffMs(retry, attempt, random);
}

/** Milliseconds from a `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3); undefined when it is neither. */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

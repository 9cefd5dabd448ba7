import { backOffMs, withJitter } from '../../model/back-off.ts';
import type { DeliverySettings } from '../../model/trigger.ts';

/** How a call with a message ended. */
export interface DeliveryOutcome {
  readonly status: number;
  /** What the answer asked for in `Retry-After`. */
  readonly retryAfterMs: number | undefined;
}

export type DeliveryDecision =
  | { readonly kind: 'done' }
  | { readonly kind: 'later'; readonly delayMs: number }
  | { readonly kind: 'given up' };

/**
 * What follows from an answer: below 400 is success, all else is delivered again, whoever answered it. The wait doubles
 * from `minWaitMs` up to `maxWaitMs`, each between its half and its whole; a `Retry-After` takes its place within the same
 * bounds. After `attempts` deliveries the message is given up.
 */
export function decideDelivery(
  { status, retryAfterMs }: DeliveryOutcome,
  { attempts, minWaitMs, maxWaitMs }: DeliverySettings,
  { attempt, random }: { readonly attempt: number; readonly random: number },
): DeliveryDecision {
  if (status < 400) return { kind: 'done' };
  if (attempt >= attempts) return { kind: 'given up' };
  const most = Math.max(minWaitMs, maxWaitMs);
  if (retryAfterMs !== undefined) return { kind: 'later', delayMs: Math.min(most, Math.max(minWaitMs, retryAfterMs)) };
  return { kind: 'later', delayMs: backOffMs({ minWaitMs, maxWaitMs: most }, attempt, random) };
}

/** Wait before the n-th try in a row to reach a broker, from 1: from half a second to half a minute, with jitter. */
export function reconnectDelayMs(tries: number, random: number): number {
  return backOffMs({ minWaitMs: 500, maxWaitMs: 30_000 }, tries, random);
}

/** The same for a client that dials by itself: a third of the time it has been without, from 0.1 s to 15 s, with jitter. */
export function redialDelayMs(withoutMs: number, random: number): number {
  return withJitter(Math.min(15_000, Math.max(100, withoutMs / 3)), random);
}

import { TinderboxError } from '../../model/errors.ts';

const unsent = Symbol('unsent');
const refusedRetryAfterMs = 1000;

/** A `lost` error of a call of which nothing left this process. */
export function unsentError(message: string, cause?: unknown): TinderboxError {
  return markUnsent(new TinderboxError('lost', message, { cause }));
}

/** An `unavailable` error of a call that the instance refused before it began. */
export function refusedError(message: string): TinderboxError {
  return markUnsent(new TinderboxError('unavailable', message, { retryAfterMs: refusedRetryAfterMs }));
}

/** Whether the call may be tried on another instance: this one has certainly not begun it. */
export function isUnsent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && unsent in error;
}

function markUnsent(error: TinderboxError): TinderboxError {
  Object.defineProperty(error, unsent, { value: true });
  return error;
}

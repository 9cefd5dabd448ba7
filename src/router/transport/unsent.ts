import { TinderboxError } from '../../model/errors.ts';

const unsent = Symbol('unsent');

/** A `lost` error of a call of which nothing left this process, or which the instance refused before it began. */
export function unsentError(message: string, cause?: unknown): TinderboxError {
  const error = new TinderboxError('lost', message, { cause });
  Object.defineProperty(error, unsent, { value: true });
  return error;
}

/** Whether the call may be tried on another instance: this one has certainly not begun it. */
export function isUnsent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && unsent in error;
}

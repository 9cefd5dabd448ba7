import { type ErrorCode, TinderboxError } from '../../model/errors.ts';

const done = Symbol('done');

/** An error of a call that the instance may still be working on: its slot is taken until `finished` resolves. */
export function unfinishedError(
  code: ErrorCode,
  message: string,
  finished: Promise<void>,
  cause?: unknown,
): TinderboxError {
  const error = new TinderboxError(code, message, { cause });
  Object.defineProperty(error, done, { value: finished });
  return error;
}

/**
 * What `Sent.done` is for a reply, for a rejected `send`: resolves when the instance confirmed that it is done with the
 * call (or is gone). undefined: it is done already. Never rejects.
 */
export function doneOf(error: unknown): Promise<void> | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  return (error as { readonly [done]?: Promise<void> })[done];
}

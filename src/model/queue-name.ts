import { TinderboxError } from './errors.ts';
import { shorten } from './shorten.ts';

/** The queue of functions without one of their own. */
export const sharedQueue = 'default';

const annotation = 'com.openfaas.queue';
const pattern = /^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$/;

/** Whether a queue can be called so: letters, digits, `-`, `_`, `.`, at most 63. */
export function isQueueName(text: string): boolean {
  return text.length <= 63 && pattern.test(text);
}

/** The queue a function's stored calls go to; `com.openfaas.queue`, default `default`. Throws `invalid`. */
export function resolveQueueName(annotations: Readonly<Record<string, string>>): string {
  const text = annotations[annotation];
  if (text === undefined || text === '') return sharedQueue;
  if (isQueueName(text)) return text;
  throw new TinderboxError(
    'invalid',
    `annotation ${annotation} "${shorten(text)}" is not the name of a queue: letters, digits, -, _ and ., at most 63`,
  );
}

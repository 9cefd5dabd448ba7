import type { TinderboxError } from '../model/errors.ts';

/** What every method of the client resolves with; nothing is thrown for an answer the API gave or failed to give. */
export type Result<T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly error: TinderboxError };

export function success<T>(data: T): Result<T> {
  return { ok: true, data };
}

export function failure(error: TinderboxError): Result<never> {
  return { ok: false, error };
}

/** The data of a result, or its error thrown: for callers that treat every failure alike. */
export function dataOf<T>(result: Result<T>): T {
  if (!result.ok) throw result.error;
  return result.data;
}

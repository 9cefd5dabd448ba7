import type { Client } from '../../client/client.ts';
import { dataOf, type Result } from '../../client/result.ts';
import { TinderboxError } from '../../model/errors.ts';
import { defaultNamespace } from '../../model/names.ts';
import type { FunctionAddress } from '../flags/function-address.ts';
import { nearestName } from '../stack/nearest-name.ts';

/** The data of an answer about a function, or its error thrown: for one that is not there with what may have been meant. */
export async function functionData<T>(client: Client, address: FunctionAddress, result: Result<T>): Promise<T> {
  if (result.ok || result.error.code !== 'not-found') return dataOf(result);
  const { message, hint: given } = result.error;
  const hint = given ?? (await unknownFunctionHint(client, address));
  throw new TinderboxError('not-found', message, { ...(hint === undefined ? {} : { hint }), cause: result.error });
}

/** What to do about a function that is not there; undefined when it is. */
export async function unknownFunctionHint(
  client: Client,
  { name, namespace }: FunctionAddress,
): Promise<string | undefined> {
  const listed = await client.functions.list(namespace);
  const names = listed.ok ? listed.data.map((fn) => fn.name) : [];
  if (names.includes(name)) return undefined;
  const nearest = nearestName(name, names);
  const list = namespace === defaultNamespace ? 'tinderbox list' : `tinderbox list --namespace ${namespace}`;
  return `${nearest === undefined ? '' : `did you mean "${nearest}"? `}${list} shows what there is`;
}

/**
 * When a namespace may go, and what may be made in it meanwhile.
 *
 * 1. Who makes something writes first (a revision, a secret) and then reads the namespace; who deletes marks the
 *    namespace first and then looks what is in it. Whichever comes second sees the other.
 * 2. Every write of a namespace carries the version it was decided on, so nobody brings one back that is gone.
 * 3. A mark that a crash left behind refuses everything new; the next start goes on with the delete (`finishRemovals`).
 */
import { TinderboxError } from '../model/errors.ts';
import type { NamespaceRecord, RetiredRecord, RevisionRecord } from '../model/function.ts';
import { defaultNamespace, parseRevisionId } from '../model/names.ts';
import { formatNamespaceRecordKey, formatRetiredRecordKey, recordFolders } from '../model/record-keys.ts';
import type { Store } from '../store/store.ts';

export function unknownNamespace(name: string): TinderboxError {
  return new TinderboxError('invalid', `namespace "${name}" does not exist`, {
    hint: `create it with \`tinderbox namespace create ${name}\``,
  });
}

export function namespaceLeaving(name: string): TinderboxError {
  return new TinderboxError('conflict', `namespace "${name}" is being deleted`, {
    hint: 'if that failed, delete it again to finish it',
  });
}

/** After the first write of something new: rejects with `invalid` or `conflict` when its namespace is gone or leaving. */
export async function assertNamespaceStays(store: Pick<Store, 'get'>, name: string): Promise<void> {
  if (name === defaultNamespace) return;
  const entry = await store.get(formatNamespaceRecordKey(name));
  if (entry === undefined) throw unknownNamespace(name);
  if ((entry.value as NamespaceRecord).deleting === true) throw namespaceLeaving(name);
}

/** What keeps a namespace from going, in words; undefined: nothing. Call it with the namespace marked. */
export async function findOccupant(store: Pick<Store, 'list'>, name: string): Promise<string | undefined> {
  const { length } = await store.list(`${recordFolders.functions}${name}/`);
  if (length > 0) return length === 1 ? 'a function' : `${length} functions`;
  // In this order: a function that was made and deleted since then has its numbers among the retired ones.
  const revisions = await store.list(`${recordFolders.revisions}${name}/`);
  const retired = await store.list(`${recordFolders.retired}${name}/`);
  const latest = new Map(retired.map(({ key, value }) => [key, (value as RetiredRecord).latest]));
  const isUnfinished = ({ id }: RevisionRecord): boolean => {
    const of = parseRevisionId(id);
    return of.number > (latest.get(formatRetiredRecordKey(of.namespace, of.name)) ?? 0);
  };
  return revisions.some(({ value }) => isUnfinished(value as RevisionRecord)) ? 'a deploy under way' : undefined;
}

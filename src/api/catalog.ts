import { TinderboxError } from '../model/errors.ts';
import type { FunctionRecord, NamespaceRecord, RetiredRecord, RevisionRecord } from '../model/function.ts';
import { defaultNamespace, parseRevisionId } from '../model/names.ts';
import {
  formatFunctionRecordKey,
  formatNamespaceRecordKey,
  formatRetiredRecordKey,
  formatRevisionFolder,
  recordFolders,
} from '../model/record-keys.ts';
import { unknownNamespace } from './namespace-life.ts';
import { createMirror, type Mirror } from '../store/mirror.ts';
import type { Store } from '../store/store.ts';

/** The records the API answers from, in memory: no request that only reads waits for the disk. */
export interface Catalog {
  readonly functions: Mirror;
  readonly revisions: Mirror;
  readonly namespaces: Mirror;
  readonly retired: Mirror;
  readonly triggers: Mirror;
  close(): void;
}

export async function createCatalog(store: Store): Promise<Catalog> {
  const [functions, revisions, namespaces, retired, triggers] = await Promise.all([
    createMirror(store, recordFolders.functions),
    createMirror(store, recordFolders.revisions),
    createMirror(store, recordFolders.namespaces),
    createMirror(store, recordFolders.retired),
    createMirror(store, recordFolders.triggers),
  ]);
  const close = (): void => {
    for (const mirror of [functions, revisions, namespaces, retired, triggers]) mirror.close();
  };
  return { functions, revisions, namespaces, retired, triggers, close };
}

export function findFunction(catalog: Catalog, namespace: string, name: string): FunctionRecord | undefined {
  return catalog.functions.get(formatFunctionRecordKey(namespace, name))?.value as FunctionRecord | undefined;
}

/** Throws `not-found` when there is no such function. */
export function requireFunction(catalog: Catalog, namespace: string, name: string): FunctionRecord {
  const record = findFunction(catalog, namespace, name);
  if (record === undefined) throw unknownFunction(namespace, name);
  return record;
}

export function unknownFunction(namespace: string, name: string): TinderboxError {
  return new TinderboxError('not-found', `function "${name}" does not exist in namespace "${namespace}"`);
}

/** Functions of a namespace by name. */
export function listFunctions(catalog: Catalog, namespace: string): readonly FunctionRecord[] {
  return catalog.functions
    .children(`${recordFolders.functions}${namespace}`)
    .map(({ value }) => value as FunctionRecord)
    .sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
}

/** Revisions of a function, newest first. */
export function listRevisions(catalog: Catalog, namespace: string, name: string): readonly RevisionRecord[] {
  return catalog.revisions
    .children(formatRevisionFolder(namespace, name))
    .map(({ value }) => value as RevisionRecord)
    .sort((a, b) => parseRevisionId(b.id).number - parseRevisionId(a.id).number);
}

/** Highest number ever used for a revision of this function, 0 for none; also of deploys that were cut off. */
export function highestRevision(catalog: Catalog, namespace: string, name: string): number {
  const retired = catalog.retired.get(formatRetiredRecordKey(namespace, name))?.value as RetiredRecord | undefined;
  const [newest] = listRevisions(catalog, namespace, name);
  return Math.max(
    retired?.latest ?? 0,
    findFunction(catalog, namespace, name)?.latest ?? 0,
    newest === undefined ? 0 : parseRevisionId(newest.id).number,
  );
}

export function findNamespace(catalog: Catalog, name: string): NamespaceRecord | undefined {
  return catalog.namespaces.get(formatNamespaceRecordKey(name))?.value as NamespaceRecord | undefined;
}

/** Throws `invalid` for a namespace that does not exist; 404 would read as an unknown function. */
export function assertNamespaceExists(catalog: Catalog, name: string): void {
  if (name !== defaultNamespace && findNamespace(catalog, name) === undefined) throw unknownNamespace(name);
}

import type { RevisionId } from './names.ts';
import { parseRevisionId } from './names.ts';

/** Folders of the store that the API and the control loop share; a record's key is its folder, `/`, and a last part. */
export const recordFolders = {
  functions: 'functions/',
  revisions: 'revisions/',
  namespaces: 'namespaces/',
  /** Functions that were deleted: which revision numbers are used up. */
  retired: 'retired/',
  /** What sets functions off. */
  triggers: 'triggers/',
} as const;

export function formatFunctionRecordKey(namespace: string, name: string): string {
  return `functions/${namespace}/${name}`;
}

export function formatRetiredRecordKey(namespace: string, name: string): string {
  return `retired/${namespace}/${name}`;
}

/** `revisions/NAMESPACE/NAME`: the folder of all revisions of one function. */
export function formatRevisionFolder(namespace: string, name: string): string {
  return `revisions/${namespace}/${name}`;
}

export function formatRevisionRecordKey(id: RevisionId): string {
  const { namespace, name, number } = parseRevisionId(id);
  return `${formatRevisionFolder(namespace, name)}/${String(number).padStart(5, '0')}`;
}

export function formatNamespaceRecordKey(namespace: string): string {
  return `namespaces/${namespace}`;
}

export function formatTriggerRecordKey(namespace: string, name: string): string {
  return `triggers/${namespace}/${name}`;
}

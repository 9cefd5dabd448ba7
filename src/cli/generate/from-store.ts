import { TinderboxError } from '../../model/errors.ts';
import { findStoreEntry, storeImage } from '../../model/function-store.ts';
import { assertName } from '../../model/names.ts';
import { loadFunctionStore } from '../store/load-function-store.ts';
import type { Shell } from '../terminal/shell.ts';
import type { ManifestSource } from './manifest-source.ts';

/** What flags change of a function of the store. */
export interface FromStoreFlags {
  readonly url?: string;
  readonly name?: string;
  readonly arch: string;
  readonly annotation?: Readonly<Record<string, string>>;
  readonly label?: Readonly<Record<string, string>>;
}

/** A function of the store. Throws `not-found` for one it does not have, or not for this processor. */
export async function fromStore(shell: Shell, wanted: string, flags: FromStoreFlags): Promise<ManifestSource> {
  const store = await loadFunctionStore(shell, flags.url);
  const entry = findStoreEntry(store.entries, wanted);
  if (entry === undefined) {
    throw new TinderboxError('not-found', `${store.where} has no function "${wanted}"`, {
      hint: 'tinderbox store list shows what it has',
    });
  }
  const image = storeImage(entry, flags.arch);
  if (image === undefined) {
    throw new TinderboxError('not-found', `${store.where} has no image of ${wanted} for ${flags.arch}`, {
      hint: `it has: ${Object.keys(entry.images).join(', ')}`,
    });
  }
  const name = flags.name ?? entry.name;
  assertName('function', name);
  const process = entry.fprocess === '' ? {} : { fprocess: entry.fprocess };
  return {
    name,
    image,
    environment: { ...process, ...entry.environment },
    labels: { ...entry.labels, ...flags.label },
    annotations: { ...entry.annotations, ...flags.annotation },
    ...process,
    ...(entry.readOnlyRootFilesystem ? { readOnlyRootFilesystem: true } : {}),
  };
}

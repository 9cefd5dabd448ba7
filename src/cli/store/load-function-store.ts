import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TinderboxError } from '../../model/errors.ts';
import { parseFunctionStore, type StoreEntry } from '../../model/function-store.ts';
import { downloadText, isWebAddress } from '../download-text.ts';
import { packageRoot } from '../package-root.ts';
import type { Shell } from '../terminal/shell.ts';

/** A store that was read. */
export interface FunctionStore {
  /** As it is called in messages. */
  readonly where: string;
  readonly entries: readonly StoreEntry[];
  /** Folder of a store that is a file; the sources of its entries lie in it. */
  readonly directory?: string;
}

const shipped = join(packageRoot, 'store', 'store.json');
const maxBytes = 8 * 2 ** 20;

/**
 * The store of the flag, else of `OPENFAAS_STORE`, else the one that comes with this program: an http(s) address, or a
 * file. Rejects with `unavailable` or `not-found` for one that cannot be had, `invalid` for what is none.
 */
export async function loadFunctionStore(shell: Shell, url: string | undefined): Promise<FunctionStore> {
  const address = url ?? (shell.env['OPENFAAS_STORE'] || undefined);
  if (address === undefined) return readStoreFile(shipped, "tinderbox's own store");
  if (isWebAddress(address)) {
    const hint = 'without --url and OPENFAAS_STORE the store that comes with tinderbox is used, which needs no network';
    const text = await downloadText(shell, address.replace(/\/+$/, ''), { what: `store ${address}`, maxBytes, hint });
    return { where: address, entries: parseFunctionStore(text, address) };
  }
  const path = /^file:\/\//i.test(address) ? fileURLToPath(address) : resolve(shell.cwd, address);
  return readStoreFile(path, address);
}

async function readStoreFile(path: string, where: string): Promise<FunctionStore> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new TinderboxError('not-found', `store ${where} cannot be read: ${cause.message}`, { cause });
  });
  return { where, entries: parseFunctionStore(text, where), directory: dirname(path) };
}

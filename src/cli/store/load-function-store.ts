import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TinderboxError } from '../../model/errors.ts';
import { parseFunctionStore, type StoreEntry } from '../../model/function-store.ts';
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
const timeoutMs = 60_000;
const maxBytes = 8 * 2 ** 20;

/**
 * The store of the flag, else of `OPENFAAS_STORE`, else the one that comes with this program: an http(s) address, or a
 * file. Rejects with `unavailable` or `not-found` for one that cannot be had, `invalid` for what is none.
 */
export async function loadFunctionStore(shell: Shell, url: string | undefined): Promise<FunctionStore> {
  const address = url ?? (shell.env['OPENFAAS_STORE'] || undefined);
  if (address === undefined) return readStoreFile(shipped, "tinderbox's own store");
  if (/^https?:\/\//i.test(address)) {
    return { where: address, entries: parseFunctionStore(await download(shell, address), address) };
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

async function download(shell: Shell, url: string): Promise<string> {
  const signal = AbortSignal.any([shell.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const answer = await fetch(url.replace(/\/+$/, ''), { signal });
    if (!answer.ok) {
      throw new TinderboxError('unavailable', `store ${url} answered ${answer.status} ${answer.statusText}`);
    }
    return await readText(answer, url);
  } catch (reason) {
    if (reason instanceof TinderboxError || shell.signal.aborted) throw reason;
    const { cause } = reason as { readonly cause?: { readonly message?: string } };
    const why = cause?.message ?? (reason as Error).message;
    throw new TinderboxError('unavailable', `store ${url} cannot be reached: ${why}`, {
      hint: 'without --url and OPENFAAS_STORE the store that comes with tinderbox is used, which needs no network',
      cause: reason,
    });
  }
}

async function readText(answer: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new TinderboxError('too-large', `store ${url} has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

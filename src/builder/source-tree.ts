import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile, readdir, readlink, realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { TinderboxError } from '../model/errors.ts';

/** One thing in a source folder. */
export interface SourceEntry {
  /** Relative to the folder, `/`-separated. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link';
  readonly executable: boolean;
  readonly bytes: number;
  /** Of a link, as stored; it never leaves the folder. */
  readonly target: string;
}

/** A source folder as the builder sees it: no owners, no times. */
export interface SourceTree {
  readonly root: string;
  /** Sorted by path, folders before what is in them. */
  readonly entries: readonly SourceEntry[];
  readonly bytes: number;
}

export interface SourceLimits {
  readonly entries: number;
  readonly bytes: number;
}

const wholeFileBytes = 1024 * 1024;

/**
 * Reads what a folder holds. Throws `invalid` for anything but files, folders and links that stay inside, `too-large`
 * beyond the limits.
 */
export async function readSourceTree(root: string, limits: SourceLimits): Promise<SourceTree> {
  const entries: SourceEntry[] = [];
  let bytes = 0;
  const visit = async (folder: string): Promise<void> => {
    const names = await readdir(join(root, folder));
    for (const name of names.sort(compareText)) {
      const entry = await readEntry(root, folder === '' ? name : `${folder}/${name}`);
      entries.push(entry);
      bytes += entry.bytes;
      assertWithin(limits, entries.length, bytes);
      if (entry.kind === 'directory') await visit(entry.path);
    }
  };
  await visit('');
  return { root, entries, bytes };
}

async function readEntry(root: string, path: string): Promise<SourceEntry> {
  const stats = await lstat(join(root, path));
  const plain = { path, executable: false, bytes: 0, target: '' };
  if (stats.isDirectory()) return { ...plain, kind: 'directory' };
  if (stats.isFile()) return { ...plain, kind: 'file', executable: (stats.mode & 0o100) !== 0, bytes: stats.size };
  if (!stats.isSymbolicLink()) {
    throw new TinderboxError('invalid', `source entry "${path}" is neither a file nor a folder`);
  }
  const target = await readlink(join(root, path));
  const resolved = posix.normalize(posix.join(posix.dirname(path), target));
  if (posix.isAbsolute(target) || resolved === '..' || resolved.startsWith('../')) {
    throw linkError(path, target);
  }
  // Through other links a path may lead elsewhere than its text says.
  const real = await realpath(join(root, path)).catch(() => undefined);
  if (real !== undefined && !`${real}/`.startsWith(`${await realpath(root)}/`)) throw linkError(path, target);
  return { ...plain, kind: 'link', target };
}

function linkError(path: string, target: string): TinderboxError {
  return new TinderboxError('invalid', `source link "${path}" points outside its folder, to "${target}"`);
}

function assertWithin(limits: SourceLimits, entries: number, bytes: number): void {
  if (entries > limits.entries) {
    throw new TinderboxError('too-large', `the source has more than ${limits.entries} entries`);
  }
  if (bytes > limits.bytes) throw new TinderboxError('too-large', `the source is larger than ${limits.bytes} bytes`);
}

/** SHA-256 (hex) of paths, executable bits, contents and link targets, in path order; every part carries its length. */
export async function hashSourceTree(tree: SourceTree): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of tree.entries) {
    const kind = entry.kind === 'file' && entry.executable ? 'program' : entry.kind;
    hash.update(JSON.stringify([kind, entry.path, entry.bytes, entry.target]));
    if (entry.kind === 'file') await hashFile(hash, join(tree.root, entry.path), entry.bytes);
  }
  return hash.digest('hex');
}

async function hashFile(hash: Hash, file: string, bytes: number): Promise<void> {
  if (bytes <= wholeFileBytes) {
    hash.update(await readFile(file));
    return;
  }
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
}

/** Orders by code unit, the same on every machine and in every locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

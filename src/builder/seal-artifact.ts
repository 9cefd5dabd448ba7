import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import { chmod, copyFile, lchown, lstat, mkdtemp, open, readdir, rename, rmdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { TinderboxError } from '../model/errors.ts';
import { removeTree } from '../sandbox/remove-tree.ts';

/** Who made a tree and who may read it from now on. */
export interface SealRequest {
  /** Whether untrusted steps had it in their hands. */
  readonly foreign: boolean;
  /** Only owner its entries may have before: the uid the untrusted steps ran as, else the platform's own. */
  readonly builtBy: number | undefined;
  /** Group that may read it; undefined without uid separation. */
  readonly gid: number | undefined;
}

const run = promisify(execFile);
const syncEachUpTo = 100;
const maxEntries = 500_000;

/**
 * Makes a built tree the platform's own and read-only for its group, on disk, and resolves with its size in bytes.
 * Nothing of the build may run any more. Throws `build-failed` for anything but files, folders and links of the build.
 */
export async function sealArtifact(root: string, request: SealRequest): Promise<number> {
  const found: string[] = [];
  let bytes = 0;
  for await (const [path, stats] of walkTree(root)) {
    assertOwn(relative(root, path), stats, request.builtBy);
    if (!stats.isSymbolicLink()) found.push(path);
    if (found.length > maxEntries)
      throw new TinderboxError('build-failed', `the build left over ${maxEntries} entries`);
    if (stats.isFile()) {
      bytes += stats.size;
      if (stats.nlink > 1) await separate(path);
    }
    if (request.gid !== undefined) await lchown(path, 0, request.gid);
    if (!stats.isSymbolicLink()) await chmod(path, sealedMode(stats, request.gid !== undefined));
  }
  if (request.foreign) await replaceByCopy(root);
  await syncTree(root, found);
  return bytes;
}

async function* walkTree(path: string): AsyncGenerator<readonly [string, Stats]> {
  const stats = await lstat(path);
  yield [path, stats];
  if (!stats.isDirectory()) return;
  for (const name of await readdir(path)) yield* walkTree(join(path, name));
}

function assertOwn(path: string, stats: Stats, builtBy: number | undefined): void {
  if (!stats.isDirectory() && !stats.isFile() && !stats.isSymbolicLink()) {
    throw new TinderboxError('build-failed', `the build left "${path}", which is neither file nor folder`);
  }
  // A hard link to somebody else's file would otherwise become readable with the artifact.
  if (builtBy !== undefined && stats.uid !== builtBy) {
    throw new TinderboxError('build-failed', `the build left "${path}", which belongs to another user`);
  }
}

/** Read-only for the group where there is one, as usual for programs of one user elsewhere. */
function sealedMode(stats: Stats, grouped: boolean): number {
  const executable = stats.isDirectory() || (stats.mode & 0o100) !== 0;
  if (grouped) return executable ? 0o750 : 0o640;
  return executable ? 0o755 : 0o644;
}

/** Names of one file become files: the first one to be made ours would take the others from the build. */
async function separate(path: string): Promise<void> {
  const copy = `${path}.tinderbox-copy`;
  await copyFile(path, copy, constants.COPYFILE_EXCL);
  await rename(copy, path);
}

/**
 * A file stays writable through a name elsewhere, and for whoever was handed it open: a function can take it from a build
 * over a socket. So the artifact is made of copies, once nobody can change the names in it any more.
 */
async function replaceByCopy(root: string): Promise<void> {
  const place = await mkdtemp(`${root}-`);
  const copy = join(place, 'copy');
  await run('/bin/cp', ['-RPp', '--', root, copy]).catch((cause: unknown) => {
    throw new TinderboxError('build-failed', `what was built cannot be copied: ${(cause as Error).message}`, { cause });
  });
  await removeTree(root);
  await rename(copy, root);
  await rmdir(place);
}

/** One sync of the file system where there are many files, one per file where there are few. */
async function syncTree(root: string, paths: readonly string[]): Promise<void> {
  if (paths.length > syncEachUpTo && process.platform === 'linux') {
    await run('sync', ['--file-system', root]);
    return;
  }
  await Promise.all(paths.map(syncPath));
}

/** Forces a file, or the names in a folder, to disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, lchownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';

/** Longest path of a Unix socket on Linux, without the closing NUL. */
const maxSocketPathBytes = 107;

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** `runDir/i/<id>`: everything of one instance on disk. The folder is the platform's, what is in it the function's. */
export interface InstanceFolder {
  readonly directory: string;
  readonly socketPath: string;
  readonly home: string;
  readonly tmp: string;
  /** The folders it may write in. */
  readonly writable: readonly string[];
}

export function instanceFolder(runDir: string, id: string): InstanceFolder {
  const directory = join(runDir, 'i', id);
  const [sock, tmp, home] = [join(directory, 'sock'), join(directory, 'tmp'), join(directory, 'home')];
  return { directory, socketPath: join(sock, 's'), home, tmp, writable: [sock, tmp, home] };
}

/** Throws `config` when sockets below this directory would have paths too long for the system. */
export function assertSocketPathsFit(runDir: string): void {
  const path = instanceFolder(runDir, 'x'.repeat(idLength)).socketPath;
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxSocketPathBytes) return;
  throw new TinderboxError(
    'config',
    `run directory "${runDir}" is too long: sockets in it would have ${bytes} bytes, the limit is ${maxSocketPathBytes}`,
    { hint: 'set a shorter run directory' },
  );
}

const idLength = 8;

/** Names a program and its folder: eight characters of `[a-z0-9]`. */
export function createProgramId(): string {
  const half = (): string =>
    randomInt(36 ** 4)
      .toString(36)
      .padStart(idLength / 2, '0');
  return half() + half();
}

/** Makes the folder; without an owner what is in it stays the platform's until it is given away. */
export function createInstanceFolder(folder: InstanceFolder, owner: Owner | undefined): void {
  mkdirSync(folder.directory, { recursive: true, mode: 0o711 });
  chmodSync(folder.directory, 0o711);
  for (const path of folder.writable) mkdirSync(path, { mode: 0o700 });
  if (owner !== undefined) giveInstanceFolder(folder, owner);
}

/** Hands what is in the folder to the function. The platform, being root, can still connect. */
export function giveInstanceFolder(folder: InstanceFolder, owner: Owner): void {
  for (const path of folder.writable) chownSync(path, owner.uid, owner.gid);
}

/** The same for a folder in which a warm process listens already: a socket must belong to the function it is called for. */
export function giveListeningFolder(folder: InstanceFolder, owner: Owner): void {
  // While its folder is the platform's still: in one of the function's own, another file could take its name.
  lchownSync(folder.socketPath, owner.uid, owner.gid);
  giveInstanceFolder(folder, owner);
}

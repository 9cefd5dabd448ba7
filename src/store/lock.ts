import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TinderboxError } from '../model/errors.ts';
import { notice } from '../observe/channels.ts';
import { makeFolder, notWritable } from './make-folder.ts';

/** A data folder that is ours until released, or until this process ends in whatever way. */
export interface FolderLock {
  readonly dir: string;
  /** Idempotent. */
  release(): void;
}

/**
 * Takes a data folder for this process alone, making it (0700) when absent. The lock is a POSIX record lock of the
 * kernel, which SQLite takes for us on `DIR/platform.lock`: it is gone with the process, also after `kill -9`, and
 * children do not inherit it. Nobody else may open that file: closing any descriptor of it would drop the lock.
 *
 * Throws `conflict` naming the folder and, where known, the pid of the holder; `config` naming the path and our uid
 * when the folder cannot be written.
 */
export async function lockFolder(dir: string): Promise<FolderLock> {
  makeFolder(asked(dir));
  const db = acquire(dir);
  tellPid(dir);
  return {
    dir,
    release() {
      if (db.isOpen) db.close();
    },
  };
}

const asked = (dir: string) => ({ what: 'data folder', dir, mode: 0o700, flag: '--data-dir' });

/**
 * Holds a file's lock of the kernel until closed, or until this process ends; waits for others for `waitMs`, and nothing else
 * runs in this thread meanwhile. Throws what SQLite throws.
 */
export function holdFile(file: string, waitMs: number): { close(): void; readonly isOpen: boolean } {
  const db = new DatabaseSync(file, { timeout: waitMs });
  try {
    // An open IMMEDIATE transaction holds the reserved lock; it writes nothing, so there is no journal to clean up.
    db.exec('BEGIN IMMEDIATE');
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
}

function acquire(dir: string): ReturnType<typeof holdFile> {
  try {
    return holdFile(join(dir, 'platform.lock'), 0);
  } catch (cause) {
    if (isBusy(cause)) throw inUse(dir, cause);
    throw notWritable(asked(dir), cause);
  }
}

/** Only for the message another platform prints; the lock holds without it, also on a full disk. */
function tellPid(dir: string): void {
  try {
    writeFileSync(pidFile(dir), `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    notice.publish({ level: 'warn', part: 'store', message: `cannot write ${pidFile(dir)}`, details: { error } });
  }
}

/** SQLITE_BUSY, with or without an extended code. */
function isBusy(reason: unknown): boolean {
  return (
    reason instanceof Error &&
    'errcode' in reason &&
    typeof reason.errcode === 'number' &&
    (reason.errcode & 0xff) === 5
  );
}

function inUse(dir: string, cause: unknown): TinderboxError {
  const pid = livingHolder(dir);
  const holder = pid === undefined ? 'another process' : `process ${pid}`;
  return new TinderboxError('conflict', `the data folder ${dir} is in use by ${holder}`, {
    hint: 'stop that platform first, or start this one with another --data-dir',
    cause,
  });
}

/** The file may be that of an earlier holder for an instant: a pid that is gone is not told. */
function livingHolder(dir: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile(dir), 'utf8'), 10);
    if (!(pid > 0)) return undefined;
    return isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function pidFile(dir: string): string {
  return join(dir, 'platform.pid');
}

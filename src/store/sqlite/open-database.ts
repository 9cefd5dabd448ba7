import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TinderboxError } from '../../model/errors.ts';
import { type Migration, migrations } from './migrations.ts';

/** `TNDB` in the file's header: tells our databases from others. */
const applicationId = 0x544e4442;
/** A database larger than this is not read through at every start. */
const maxCheckedBytes = 64 * 1024 * 1024;

export interface DatabaseOptions {
  /** Whether a file that is made can give free pages back to the disk (give-back-pages.ts); default false. */
  readonly givesBack?: boolean;
}

/**
 * Opens or makes the database and brings its schema up to date; a copy `FILE.v<old>.bak` is made before an upgrade.
 * Throws `config` when the file is not ours, damaged or of a newer schema; SQLite's own errors otherwise.
 */
export function openDatabase(
  file: string,
  steps: readonly Migration[] = migrations,
  { givesBack = false }: DatabaseOptions = {},
): DatabaseSync {
  createPrivately(file);
  const db = new DatabaseSync(file, { timeout: 200 });
  try {
    // Can only be said before a file has its first page.
    if (givesBack && statSync(file).size === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    configure(db);
    assertOurs(db, file);
    assertSound(db, file);
    migrate(db, file, steps);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A number that a pragma answers. */
export function pragmaNumber(db: DatabaseSync, name: string): number {
  return Number(pragma(db, name));
}

export function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** SQLite would make it with the umask's mode, and does not sync the folder it makes it in. */
function createPrivately(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
  syncFolder(dirname(file));
}

/** EXCLUSIVE: no second process writes behind our watchers, and no shared-memory file is needed. */
function configure(db: DatabaseSync): void {
  db.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA cache_size = -1024;
    PRAGMA journal_size_limit = 4194304;
    PRAGMA trusted_schema = OFF;
  `);
}

function assertOurs(db: DatabaseSync, file: string): void {
  const found = pragmaNumber(db, 'application_id');
  const isNew = found === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0;
  if (found === applicationId || isNew) return;
  throw new TinderboxError('config', `${file} is a database of another program`, {
    hint: 'choose another data folder',
  });
}

function assertSound(db: DatabaseSync, file: string): void {
  if (statSync(file).size > maxCheckedBytes) return;
  const verdict = pragma(db, 'quick_check(1)');
  if (verdict === 'ok') return;
  throw new TinderboxError('config', `the database ${file} is damaged: ${String(verdict)}`, {
    hint: 'restore it from a backup, or move it away to start with an empty one',
  });
}

function migrate(db: DatabaseSync, file: string, steps: readonly Migration[]): void {
  const from = pragmaNumber(db, 'user_version');
  if (from > steps.length) {
    throw new TinderboxError(
      'config',
      `the database ${file} has schema ${from}, this program knows only up to ${steps.length}`,
      { hint: 'start the newer program that wrote it, or restore the backup made before the upgrade' },
    );
  }
  if (from === steps.length) return;
  if (from > 0) backUp(db, file, `${file}.v${from}.bak`);
  db.exec('BEGIN IMMEDIATE');
  for (const step of steps.slice(from)) db.exec(step.sql);
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${steps.length}; COMMIT`);
}

/** VACUUM INTO neither syncs nor replaces: a half copy must never bear the final name. */
function backUp(db: DatabaseSync, file: string, target: string): void {
  const half = `${target}.tmp`;
  rmSync(half, { force: true });
  db.prepare('VACUUM INTO ?').run(half);
  const fd = openSync(half, 'r');
  fsyncSync(fd);
  closeSync(fd);
  renameSync(half, target);
  syncFolder(dirname(file));
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

import type { DatabaseSync } from 'node:sqlite';
import { pragmaNumber } from './open-database.ts';

/** Free pages that stay in the file for what comes next: 32 MiB. */
const keptPages = 8192;
/** Given back in one step, so that nobody waits for long. */
const stepPages = 512;

/**
 * Gives some of a database's free pages back to the disk; returns how many. The file gets shorter with the next
 * checkpoint. 0: there are no more, or the file was made before databases could.
 */
export function giveBackPages(db: DatabaseSync): number {
  const free = pragmaNumber(db, 'freelist_count');
  if (free <= keptPages) return 0;
  db.exec(`PRAGMA incremental_vacuum(${Math.min(stepPages, free - keptPages)})`);
  return free - pragmaNumber(db, 'freelist_count');
}

import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../store/sqlite/open-database.ts';
import { serveBatches } from '../../store/sqlite/serve-batches.ts';
import { queueMigrations } from './migrations.ts';
import { createQueueOperations } from './queue-operations.ts';

/** The queue's thread. */
serveBatches({ open, operations: createQueueOperations });

/** Every job passes through the log twice: it is written back a quarter as often as usual, and its file is kept. */
function open(file: string): DatabaseSync {
  const db = openDatabase(file, queueMigrations, { givesBack: true });
  db.exec('PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 33554432; PRAGMA cache_size = -4096');
  return db;
}

import type { Migration } from '../../store/sqlite/migrations.ts';

/**
 * What changes while a job lives is small and stands apart from its body, which is written once. `state`: 0 ready,
 * 1 delayed, 2 leased; each has an index of its own, so that a backlog costs neither append nor lease anything.
 */
export const queueMigrations: readonly Migration[] = [
  {
    name: 'jobs, their bodies, lanes, dead letters and remembered ids',
    sql: `
      CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        lane TEXT NOT NULL,
        priority INTEGER NOT NULL,
        state INTEGER NOT NULL,
        due INTEGER NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX ready ON jobs (lane, priority DESC, seq) WHERE state = 0;
      CREATE INDEX delayed ON jobs (due) WHERE state = 1;
      CREATE INDEX leased ON jobs (seq) WHERE state = 2;
      CREATE TABLE contents (
        seq INTEGER PRIMARY KEY,
        created INTEGER NOT NULL,
        remember INTEGER NOT NULL,
        payload TEXT NOT NULL,
        body BLOB NOT NULL
      ) STRICT;
      CREATE TABLE lanes (lane TEXT PRIMARY KEY NOT NULL, jobs INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE remembered (id TEXT PRIMARY KEY NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE INDEX remembered_until ON remembered (until);
      CREATE TABLE dead (
        id TEXT PRIMARY KEY NOT NULL,
        lane TEXT NOT NULL,
        died INTEGER NOT NULL,
        reason TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        due INTEGER NOT NULL,
        created INTEGER NOT NULL,
        payload TEXT NOT NULL,
        body BLOB NOT NULL
      ) STRICT;
      CREATE INDEX dead_died ON dead (died);
      CREATE INDEX dead_lane ON dead (lane, died);
    `,
  },
  {
    name: 'calls that are over',
    sql: `
      CREATE TABLE finished (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        lane TEXT NOT NULL,
        state TEXT NOT NULL,
        created INTEGER NOT NULL,
        finished INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        status INTEGER NOT NULL,
        duration REAL NOT NULL,
        truncated INTEGER NOT NULL,
        response BLOB NOT NULL
      ) STRICT;
      CREATE INDEX finished_id ON finished (id);
      CREATE INDEX finished_lane ON finished (lane, seq);
    `,
  },
  {
    name: 'when calls began, what they used, and how those that were given up ended',
    sql: `
      ALTER TABLE jobs ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE jobs ADD COLUMN billed INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE jobs ADD COLUMN cost REAL NOT NULL DEFAULT 0;
      ALTER TABLE finished ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE finished ADD COLUMN billed INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE finished ADD COLUMN cost REAL NOT NULL DEFAULT 0;
      ALTER TABLE dead ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE dead ADD COLUMN billed INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE dead ADD COLUMN cost REAL NOT NULL DEFAULT 0;
      ALTER TABLE dead ADD COLUMN status INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE dead ADD COLUMN duration REAL NOT NULL DEFAULT 0;
      ALTER TABLE dead ADD COLUMN truncated INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE dead ADD COLUMN response BLOB NOT NULL DEFAULT x'';
    `,
  },
];

/** One step of the schema; its number is its place in the list, from 1. Never edited once released. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

export const migrations: readonly Migration[] = [
  {
    name: 'entries and the counter of versions',
    sql: `
      CREATE TABLE entries (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
      CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT;
      INSERT INTO counter (id, version) VALUES (1, 0);
    `,
  },
];

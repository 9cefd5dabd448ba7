import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { type Migration, migrations } from './migrations.ts';
import { openDatabase, pragmaNumber } from './open-database.ts';

const addColumn: Migration = { name: 'a test', sql: "ALTER TABLE entries ADD COLUMN note TEXT NOT NULL DEFAULT ''" };

test('an upgrade keeps the entries and leaves a copy of the old file beside it', (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'x.db');
  const old = openDatabase(file);
  old.exec("INSERT INTO entries VALUES ('k', '1', 1)");
  old.close();
  const upgraded = openDatabase(file, [...migrations, addColumn]);
  assert.deepEqual(
    { ...upgraded.prepare('SELECT * FROM entries').get() },
    { key: 'k', value: '1', version: 1, note: '' },
  );
  upgraded.close();
  const copy = new DatabaseSync(`${file}.v1.bak`);
  assert.equal(pragmaNumber(copy, 'user_version'), 1);
  assert.equal(copy.prepare('SELECT count(*) AS n FROM entries').get()?.['n'], 1);
  copy.close();
});

test('a database of a newer schema is refused and left as it is', (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'x.db');
  openDatabase(file, [...migrations, addColumn]).close();
  assert.throws(() => openDatabase(file), { code: 'config', message: /x\.db has schema 2, .* up to 1/ });
  const db = openDatabase(file, [...migrations, addColumn]);
  assert.equal(pragmaNumber(db, 'user_version'), 2);
  db.close();
});

test('a migration that fails changes nothing', (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'x.db');
  openDatabase(file).close();
  const broken: Migration = { name: 'broken', sql: 'DROP TABLE counter; SELECT nonsense' };
  assert.throws(() => openDatabase(file, [...migrations, broken]));
  const db = openDatabase(file);
  assert.equal(db.prepare('SELECT version FROM counter').get()?.['version'], 0);
  db.close();
});

test('a first start makes no backup and no shared-memory file', (t) => {
  const dir = tempDir(t);
  const db = openDatabase(join(dir, 'x.db'));
  assert.deepEqual(
    readdirSync(dir).filter((name) => /bak|shm/.test(name)),
    [],
  );
  db.close();
  assert.equal(existsSync(join(dir, 'x.db-wal')), false);
});

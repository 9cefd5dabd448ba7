import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { requirement } from '../../../test/support/require.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { describeStore } from '../conformance.ts';
import { createSqliteStore } from './sqlite-store.ts';

const shared = mkdtempSync(join(tmpdir(), 'tb-'));
after(() => rmSync(shared, { recursive: true, force: true }));
let count = 0;
describeStore('the SQLite store', () => createSqliteStore({ file: join(shared, `${++count}.db`) }));

test('the connection that acknowledges writes syncs each commit and shares the file with nobody', async (t) => {
  const file = join(tempDir(t), 'tinderbox.db');
  const store = await createSqliteStore({ file });
  t.after(() => store.close());
  assert.deepEqual(await store.settings(), {
    journalMode: 'wal',
    synchronous: 2,
    lockingMode: 'exclusive',
    schemaVersion: 1,
  });
  await store.put('k', 1);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(`${file}-wal`).mode & 0o777, 0o600);
  await assert.rejects(createSqliteStore({ file }), { code: 'conflict', message: /tinderbox\.db/ });
});

test('entries and the growth of versions outlive a restart', async (t) => {
  const file = join(tempDir(t), 'tinderbox.db');
  const first = await createSqliteStore({ file });
  await first.put('kept', { a: 1 });
  const last = await first.put('gone', 1);
  await first.delete('gone');
  await first.close();
  const second = await createSqliteStore({ file });
  t.after(() => second.close());
  assert.deepEqual((await second.get('kept'))?.value, { a: 1 });
  assert.ok((await second.put('new', 1)) > last + 1);
});

test('a file that is no database, damaged inside, or of another program is refused by name', async (t) => {
  const dir = tempDir(t);
  const noise = join(dir, 'noise.db');
  writeFileSync(noise, 'this is not a database, by far not'.repeat(200));
  const foreign = join(dir, 'foreign.db');
  const other = new DatabaseSync(foreign);
  other.exec('CREATE TABLE x (y); PRAGMA application_id = 7');
  other.close();
  const damaged = join(dir, 'damaged.db');
  const store = await createSqliteStore({ file: damaged });
  for (let i = 0; i < 50; i++) await store.put(`key/${i}`, 'v'.repeat(1000));
  await store.close();
  truncateSync(damaged, 9000);
  for (const file of [noise, foreign, damaged]) {
    await assert.rejects(createSqliteStore({ file }), { code: 'config', message: new RegExp(file) });
  }
  assert.match(readFileSync(noise, 'utf8'), /^this is not/, 'what is not ours is left as it was');
  await assert.rejects(createSqliteStore({ file: join(dir, 'absent', 'x.db') }), {
    code: 'config',
    message: /uid \d+/,
  });
});

test('a full disk is said as such, and what still fits is written', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tb-'));
  t.after(() => {
    spawnSync('/bin/umount', [dir]);
    rmdirSync(dir);
  });
  const { status } = spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]);
  if (!requirement(t, status === 0, 'a tmpfs cannot be mounted here')) return;
  const store = await createSqliteStore({ file: join(dir, 'tinderbox.db') });
  await store.put('before', 1);
  const [large, small] = await Promise.allSettled([store.put('large', 'x'.repeat(2_000_000)), store.put('small', 1)]);
  assert.equal(large.status === 'rejected' && large.reason.code, 'disk-full');
  assert.equal(small.status, 'fulfilled');
  assert.deepEqual((await store.list('')).map(({ key }) => key).sort(), ['before', 'small']);
  await store.close();
});

test('every acknowledged write is there after kill -9 at any moment', async (t) => {
  const file = join(tempDir(t), 'tinderbox.db');
  const program = `
    const { createSqliteStore } = await import(${JSON.stringify(join(import.meta.dirname, 'sqlite-store.ts'))});
    const store = await createSqliteStore({ file: process.argv[1] });
    const round = process.argv[2];
    for (let i = 0; ; i++) await Promise.all([0, 1, 2].map(async (j) => {
      await store.put('round/' + round + '/' + i + '/' + j, 'x'.repeat(500));
      process.stdout.write(round + '/' + i + '/' + j + '\\n');
    }));`;
  const acknowledged = new Set<string>();
  let seed = 20261;
  for (let round = 0; round < 5; round++) {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    const child = spawn(process.execPath, ['-e', program, file, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for (const line of await linesUntilKilled(child, 5 + (seed % 400))) acknowledged.add(`round/${line}`);
    const store = await createSqliteStore({ file });
    const present = new Set((await store.list('round/')).map(({ key }) => key));
    await store.close();
    assert.deepEqual(
      [...acknowledged].filter((key) => !present.has(key)),
      [],
    );
  }
  assert.ok(acknowledged.size > 25);
});

test('it finds its worker when compiled to .js as well', async (t) => {
  const dir = tempDir(t);
  const src = join(import.meta.dirname, '../..');
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  for (const file of globSync('{model,observe,store}/**/*.ts', { cwd: src }).filter((f) => !f.endsWith('.test.ts'))) {
    const text = stripTypeScriptTypes(readFileSync(join(src, file), 'utf8')).replace(/(from '\.[^']*)\.ts'/g, "$1.js'");
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file.replace(/\.ts$/, '.js')), text);
  }
  const program = `
    const { createSqliteStore } = await import('./store/sqlite/sqlite-store.js');
    const store = await createSqliteStore({ file: 'x.db' });
    await store.put('k', 'compiled');
    console.log((await store.get('k')).value);
    await store.close();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: dir, encoding: 'utf8' });
  assert.equal(stdout, 'compiled\n', stderr);
});

/** What the child printed in whole lines before it was killed, `afterLines` lines after its start. */
async function linesUntilKilled(child: ChildProcess, afterLines: number): Promise<string[]> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > afterLines) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  return text.split('\n').slice(0, -1);
}

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { listSource } from './pack-source.ts';

test('what was installed or compiled here is not sent, what merely has such a name is', async (t) => {
  const root = tempDir(t);
  const named = 'handler.js node_modules/a.js lib/node_modules/b.js build/c lib/build/d template/e target/f .git/i';
  const compiled = 'crate/Cargo.toml crate/src/lib.rs crate/target/release/g jvm/pom.xml jvm/target/h';
  const paths = `${named} ${compiled}`.split(' ');
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
  assert.deepEqual(
    (await listSource(root)).map(({ path }) => path),
    ['crate/Cargo.toml', 'crate/src/lib.rs', 'handler.js', 'jvm/pom.xml', 'lib/build/d', 'target/f'],
  );
});

test('a file that is being edited can be sent: what editors keep beside it is passed over', async (t) => {
  const root = tempDir(t);
  for (const name of ['handler.js', 'handler.js~', '#handler.js#', '.handler.js.swp', '.handler.js.swo'])
    writeFileSync(join(root, name), '1');
  symlinkSync('ada@host.4711:1', join(root, '.#handler.js'));
  assert.deepEqual(
    (await listSource(root)).map(({ path }) => path),
    ['handler.js'],
  );
});

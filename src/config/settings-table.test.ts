import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { settings } from './settings-table.ts';

const docs = resolve(import.meta.dirname, '../../docs');
/** What begins like a setting and is none: a file, the variables of builds, the end of a label's name. */
const others = ['build.sh', 'queue.db', 'build.env', 'scale.type'];

test('the settings that the pages name are there', () => {
  const known = Object.values(settings).map(({ key }) => key as string);
  const groups = new Set(known.filter((key) => key.includes('.')).map((key) => key.split('.')[0]));
  const named = readdirSync(docs).flatMap((page) =>
    [...readFileSync(join(docs, page), 'utf8').matchAll(/`([a-z]+)\.([A-Za-z]+)`/g)]
      .filter(([, group]) => groups.has(group))
      .map(([, group, name]) => `${group}.${name}`),
  );
  assert.ok(named.length > 20, `${named.length}`);
  assert.deepEqual(
    named.filter((key) => !known.includes(key) && !others.includes(key)),
    [],
  );
});

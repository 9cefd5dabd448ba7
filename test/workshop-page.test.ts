import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderReplacements, workshopPage } from './support/workshop-replacements.ts';

test('docs/workshop.md lists every step of the workshop that is followed in another way', () => {
  const table = /^\| lab [^]*?\n(?=\n)/m.exec(readFileSync(workshopPage, 'utf8'))?.[0];
  assert.equal(table, renderReplacements());
});

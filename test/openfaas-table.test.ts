import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openfaasSurface } from './support/openfaas-surface.ts';
import { collectClaims, openfaasPage, parseClaims, renderPage } from './support/openfaas-table.ts';

test('docs/openfaas.md says what the tests show', () => {
  const page = readFileSync(openfaasPage, 'utf8');
  assert.equal(page, renderPage(page, collectClaims()), 'the tests show something else now: `npm run docs` writes it');
});

test('nothing is claimed to work that elsewhere is claimed to have no place here', () => {
  const claims = collectClaims();
  const without = claims.filter(({ verdict }) => verdict === 'notApplicable');
  const both = without.filter((one) =>
    claims.some(({ kind, name, verdict }) => kind === one.kind && name === one.name && verdict !== 'notApplicable'),
  );
  assert.deepEqual(both, []);
  for (const { verdict, words, file } of claims) {
    assert.equal(words !== '', verdict !== 'covers', `${file}: ${verdict} without words`);
  }
});

test('no entry is on the list twice', () => {
  for (const names of Object.values(openfaasSurface)) assert.equal(new Set(names).size, names.length);
});

test('calls are read as they stand, over several lines and with quotes, and anything but a literal is an error', () => {
  const text = [
    "  covers('label', 'uid', 'com.openfaas.ui.ext');",
    "  differs(\n    'endpoint',\n    'GET /',\n    \"it doesn't\",\n  );",
  ].join('\n');
  assert.deepEqual(
    parseClaims(text, 'x.test.ts').map(({ verdict, name, words }) => [verdict, name, words]),
    [
      ['covers', 'uid', ''],
      ['covers', 'com.openfaas.ui.ext', ''],
      ['differs', 'GET /', "it doesn't"],
    ],
  );
  assert.throws(() => parseClaims('\n  covers(kind, name);', 'x.test.ts'), /x\.test\.ts:2: .*literals/);
});

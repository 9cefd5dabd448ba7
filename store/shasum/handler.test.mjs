import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.mjs';

const call = async (query, body) => handler.fetch(new Request(`http://shasum/${query}`, { method: 'POST', body }));

test('hashes with SHA-512 unless told otherwise', async () => {
  // FIPS 180-2, appendix C.1
  assert.match(await (await call('', 'abc')).text(), /^ddaf35a193617aba[0-9a-f]{112} {2}-\n$/);
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(await (await call('?algorithm=sha256', 'abc')).text(), `${sha256}  -\n`);
});

test('hashes nothing as nothing, also of a call without a body', async () => {
  const empty = 'd41d8cd98f00b204e9800998ecf8427e  -\n';
  assert.equal(await (await call('?algorithm=md5', '')).text(), empty);
  assert.equal(await (await handler.fetch(new Request('http://shasum/?algorithm=md5'))).text(), empty);
});

test('names what it knows', async () => {
  const refused = await call('?algorithm=crc32', 'abc');
  assert.deepEqual([refused.status, /sha512/.test(await refused.text())], [400, true]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.mjs';

const call = (query, body) => handler.fetch(new Request(`http://base64/${query}`, { method: 'POST', body }));

test('encodes bytes in both alphabets', async () => {
  const bytes = new Uint8Array([0xfb, 0xff, 0xfe, 0x00]);
  assert.equal(await (await call('', bytes)).text(), '+//+AA==\n');
  assert.equal(await (await call('?url', bytes)).text(), '-__-AA\n');
});

test('decodes what it encodes, line breaks and missing padding included', async () => {
  for (const [query, text] of [
    ['?decode', 'aGVs\r\nbG8=\n'],
    ['?decode', 'aGVsbG8'],
    ['?decode&url', 'aGVsbG8'],
  ]) {
    assert.equal(await (await call(query, text)).text(), 'hello');
  }
});

test('refuses what is not base64', async () => {
  for (const text of ['a', 'a*b=', 'ab=c', 'aGVs===']) assert.equal((await call('?decode', text)).status, 400, text);
});

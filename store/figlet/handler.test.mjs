import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.mjs';

const call = (query, body) => handler.fetch(new Request(`http://figlet/${query}`, { method: 'POST', body }));

test('draws a banner in the font asked for', async () => {
  const standard = await (await call('', 'Hi\n')).text();
  assert.match(standard, /^  _   _ _/);
  assert.equal(standard.trimEnd().split('\n').length, 5);
  assert.notEqual(await (await call('?font=Slant', 'Hi')).text(), standard);
});

test('breaks lines between words at the width', async () => {
  const lines = (await (await call('?width=40', 'three short words')).text()).split('\n');
  assert.ok(lines.length > 6 && lines.every((line) => line.length <= 40));
});

test('refuses nothing, too much, and a font that is none, such as a path', async () => {
  for (const [query, body] of [
    ['', ' \n'],
    ['', 'x'.repeat(1001)],
    ['?font=../../etc/passwd', 'x'],
    ['?width=1e9', 'x'],
  ]) {
    assert.equal((await call(query, body)).status, 400, query);
  }
});

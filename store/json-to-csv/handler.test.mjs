import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.mjs';

const call = (body, query = '') => handler.fetch(new Request(`http://csv/${query}`, { method: 'POST', body }));
const convert = async (value, query) =>
  (await call(typeof value === 'string' ? value : JSON.stringify(value), query)).text();

test('has a column for every key, in the order they are met', async () => {
  assert.equal(
    await convert([
      { b: 1, a: true },
      { a: null, c: 'x' },
    ]),
    'b,a,c\r\n1,true,\r\n,,x\r\n',
  );
});

test('quotes what would be read as something else, and writes what is nested as JSON', async () => {
  assert.equal(
    await convert([{ 'a,b': 'say "hi"\nyou', n: { x: [1] } }]),
    '"a,b",n\r\n"say ""hi""\nyou","{""x"":[1]}"\r\n',
  );
  assert.equal(await convert([{ a: 'x;y', b: 'x,y' }], '?delimiter=;'), 'a;b\r\n"x;y";x,y\r\n');
});

test('reads one object a line, and a single one', async () => {
  assert.equal(await convert('{"a":1}\n{"a":2}\n'), 'a\r\n1\r\n2\r\n');
  assert.equal(await convert({ a: 1 }), 'a\r\n1\r\n');
});

test('keeps names of the language itself apart', async () => {
  assert.equal(await convert('[{"toString":"x"},{"__proto__":1}]'), 'toString,__proto__\r\nx,\r\n,1\r\n');
});

test('takes the sting out of formulas when asked, not out of numbers', async () => {
  assert.equal(await convert([{ a: '=1+1', b: -1 }], '?formulas=off'), "a,b\r\n'=1+1,-1\r\n");
});

test('refuses what is no table', async () => {
  for (const body of ['', 'x', '[1]', '[[1]]', 'null', '{"a":1}\n2'])
    assert.equal((await call(body)).status, 400, body);
  assert.equal((await call('{}', '?delimiter=ab')).status, 400);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { originForm, parseDataPath } from './data-path.ts';

test('names, namespaces, rests and queries are told apart, and nothing is changed', () => {
  for (const [url, key, target] of [
    ['/function/hello', 'hello.openfaas-fn', '/'],
    ['/function/hello/', 'hello.openfaas-fn', '/'],
    ['/function/hello?a=b', 'hello.openfaas-fn', '/?a=b'],
    ['/function/hello/?a=b', 'hello.openfaas-fn', '/?a=b'],
    ['/function/hello.dev', 'hello.dev', '/'],
    ['/function/hello.dev/a/b?c=/d.e', 'hello.dev', '/a/b?c=/d.e'],
    ['/function/hello/../system/functions', 'hello.openfaas-fn', '/../system/functions'],
    ['/function/hello//a%2Fb', 'hello.openfaas-fn', '//a%2Fb'],
    ['/function/a.b.c', 'a.b.c', '/'],
    ['/function/../system', '...', undefined],
    ['/function/', '.openfaas-fn', '/'],
  ] as const) {
    const path = parseDataPath(url);
    if (target === undefined) assert.notEqual(path, undefined);
    else assert.deepEqual(path, { key, target }, url);
  }
});

test('what is only nearly of the data plane is not', () => {
  for (const url of [
    '/function',
    '/Function/hello',
    '//function/hello',
    '/%66unction/hello',
    '/functions/x',
    '/',
    '',
  ]) {
    assert.equal(parseDataPath(url), undefined, url);
  }
});

test('any URL is taken apart without loss: prefix, segment and target put together are the URL again', () => {
  const part = fc.string({ unit: fc.constantFrom('a', '.', '/', '?', '%', '2', 'F', '#', '\\', 'ä') });
  fc.assert(
    fc.property(part, (rest) => {
      const path = parseDataPath(`/function/${rest}`);
      assert.ok(path !== undefined);
      assert.equal(path.target[0], '/');
      const segment = rest.split(/[/?]/, 1)[0] ?? '';
      assert.equal(path.key, segment.includes('.') ? segment : `${segment}.openfaas-fn`);
      const after = rest.slice(segment.length);
      assert.equal(path.target, after.startsWith('?') ? `/${after}` : after || '/');
    }),
  );
});

test('an absolute request target is judged by its path; anything else stays as it is', () => {
  for (const [url, expected] of [
    ['http://example.test/function/hello?x', '/function/hello?x'],
    ['HTTPS://user@example.test:1/system/functions', '/system/functions'],
    ['http://example.test', 'http://example.test'],
    ['*', '*'],
    ['/function/http://x/', '/function/http://x/'],
  ] as const) {
    assert.equal(originForm(url), expected);
  }
});

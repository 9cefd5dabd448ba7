import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownPath } from './own-path.ts';

const at = (text: string): unknown => ownPath(new URL(text), '0.0.0.0', 8080);

test('functions of this platform are known by its own addresses and by the name OpenFaaS gives its gateway', () => {
  const found = { key: 'a.openfaas-fn', target: '/x?y=1' };
  for (const host of [
    'localhost:8080',
    '127.0.0.1:8080',
    '[::1]:8080',
    'gateway:8080',
    'gateway',
    'gateway.openfaas:8080',
  ]) {
    assert.deepEqual(at(`http://${host}/function/a/x?y=1`), found, host);
    assert.deepEqual(at(`http://${host}/async-function/a/x?y=1`), found, host);
  }
  assert.deepEqual(at('http://gateway:8080/function/a.ns'), { key: 'a.ns', target: '/' });
});

test('everything else leads elsewhere', () => {
  const others = ['http://localhost:8081/function/a', 'http://localhost/function/a', 'https://gateway/function/a'];
  for (const text of [...others, 'http://localhost:8080/system/functions', 'http://example.com:8080/function/a']) {
    assert.equal(at(text), undefined, text);
  }
});

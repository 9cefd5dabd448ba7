import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, normaliseGateway, resolveGateway } from './gateway.ts';

test('the flag outranks the stack file, that the environment, that the default', () => {
  assert.equal(resolveGateway({ flag: 'http://f', yaml: 'http://y', env: 'http://e' }), 'http://f');
  assert.equal(resolveGateway({ yaml: 'http://y', env: 'http://e' }), 'http://y');
  assert.equal(resolveGateway({ env: 'http://e' }), 'http://e');
  assert.equal(resolveGateway({}), 'http://127.0.0.1:8080');
});

test('a stack file that names just the default does not outrank the environment, but a flag does', () => {
  const sources = { yaml: 'http://127.0.0.1:8080/', env: 'http://e' };
  assert.equal(resolveGateway(sources), 'http://e');
  assert.equal(resolveGateway({ ...sources, flag: 'http://127.0.0.1:8080' }), 'http://127.0.0.1:8080');
});

test('spellings of one gateway become one', () => {
  assert.equal(normaliseGateway(' HTTP://Host.Example:8080/ '), 'http://host.example:8080');
  assert.equal(normaliseGateway('host:9000'), 'http://host:9000');
  assert.equal(normaliseGateway('https://host/faas/'), 'https://host/faas');
});

test('what is no address, or carries a password, is refused', () => {
  for (const text of ['', 'http://', 'ftp://host', 'http://user:pass@host', 'http://ho st']) {
    assert.throws(() => normaliseGateway(text), { code: 'invalid' }, text);
  }
});

test('loopback is told from everything that only looks like it', () => {
  for (const url of ['http://127.0.0.1:1', 'http://localhost', 'http://[::1]:8080']) assert.ok(isLoopback(url), url);
  for (const url of ['http://127.0.0.1.evil.example', 'http://localhost.evil', 'http://10.0.0.1']) {
    assert.ok(!isLoopback(url), url);
  }
});

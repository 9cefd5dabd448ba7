import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.mjs';

test('prints method, path, headers and body, and no credentials', async (t) => {
  const log = t.mock.method(console, 'log', () => undefined);
  const headers = {
    'x-github-event': 'push',
    authorization: 'Bearer s3cret',
    cookie: 'id=s3cret',
    'content-type': 'text/plain',
  };
  const answer = await handler.fetch(new Request('http://printer/hook?a=1', { method: 'PUT', body: 'hello', headers }));
  const text = await answer.text();
  assert.match(text, /^PUT \/hook\?a=1\n/);
  assert.match(text, /\nx-github-event: push\n\nhello\n$/);
  assert.match(text, /\nauthorization: \(hidden\)\n/);
  assert.doesNotMatch(text + log.mock.calls[0].arguments[0], /s3cret/);
});

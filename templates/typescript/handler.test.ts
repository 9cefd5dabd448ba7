import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.ts';

test('greets by name', async () => {
  const request = new Request('http://function/', { method: 'POST', body: 'you\n' });
  const response = await handler.fetch(request, { callId: '1', signal: new AbortController().signal });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), 'hello you\n');
});

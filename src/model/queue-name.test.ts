import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveQueueName } from './queue-name.ts';

test('the queue of a function is the one its annotation names, or the shared one', () => {
  const annotation = 'com.openfaas.queue';
  assert.equal(resolveQueueName({}), 'default');
  assert.equal(resolveQueueName({ [annotation]: 'slow-ones.v2' }), 'slow-ones.v2');
  for (const bad of ['a b', '-a', 'x'.repeat(64), 'a/b']) {
    assert.throws(() => resolveQueueName({ [annotation]: bad }), { code: 'invalid', message: /com\.openfaas\.queue/ });
  }
});

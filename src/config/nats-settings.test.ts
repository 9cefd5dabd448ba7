import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TinderboxError } from '../model/errors.ts';
import { natsName, natsServers } from './nats-settings.ts';

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof TinderboxError && error.code === 'config');
    return error.message;
  }
  return assert.fail('it was taken');
}

test('credentials are taken out of addresses, which may be printed', () => {
  assert.deepEqual(natsServers('nats://a:4222, tls://b', 'nats'), { servers: ['nats://a:4222', 'tls://b'] });
  assert.deepEqual(natsServers('nats://me:s%40cret@a:4222', 'nats'), {
    servers: ['nats://a:4222'],
    user: 'me',
    password: 's@cret',
  });
  assert.deepEqual(natsServers('nats://tok@a', 'nats'), { servers: ['nats://a'], token: 'tok' });
});

test('an address that is none is refused, without the secret in it', () => {
  for (const text of ['http://me:secret@a', 'me:secret@a:4222', 'nats://me:secret@a/path', 'nats://', '']) {
    const message = messageOf(() => natsServers(text, 'nats'));
    assert.match(message, /setting nats has "/);
    assert.doesNotMatch(message, /secret/);
  }
  const two = messageOf(() => natsServers('nats://me:secret@a,nats://me:other@b', 'nats'));
  assert.doesNotMatch(two, /secret|other@/);
  assert.match(
    messageOf(() => natsName('a.b', 'natsName')),
    /natsName is "a\.b"/,
  );
});

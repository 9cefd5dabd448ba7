import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertServer, leastServer } from './open-stream.ts';

test('a server that is too old is refused by its version, a newer one is taken', () => {
  for (const version of ['2.9.10', '2.11.99', '2.12.0', '1.99.99', 'unknown']) {
    assert.throws(() => assertServer(version, true), {
      code: 'config',
      message: new RegExp(`version ${version}.*${leastServer}`),
    });
  }
  for (const version of [leastServer, '2.12.10', '2.13.0-RC.1', '3.0.0']) assertServer(version, true);
});

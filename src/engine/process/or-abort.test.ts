import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { orAbort } from './or-abort.ts';

test('whichever comes first counts, and what comes later harms nobody', async () => {
  const aborted = AbortSignal.abort(new Error('stopped'));
  assert.equal(await orAbort(Promise.resolve('done'), new AbortController().signal), 'done');
  await assert.rejects(orAbort(Promise.resolve('done'), aborted), { message: 'stopped' });
  const late = Promise.withResolvers<never>();
  await assert.rejects(orAbort(late.promise, aborted), { message: 'stopped' });
  // Unhandled, this would end the process.
  late.reject(new Error('too late'));
  await turn();
});

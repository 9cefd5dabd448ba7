import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { callRuntime } from '../../../test/support/frame-runtime.ts';
import { callOf } from '../../../test/support/node-runtime.ts';
import { servePython } from '../../../test/support/python-runtime.ts';
import { until } from '../../../test/support/until.ts';

test('a call that is cancelled before its coroutine began is confirmed, and the instance can end', async (t) => {
  const code = `
import os, time
async def handle(event, context):
    print("busy")
    while not os.path.exists("go"): time.sleep(0.01)
    return "done"`;
  const { transport, runtime } = await servePython(t, code);
  const busy = callRuntime(transport);
  await until('the loop is busy', () => runtime.output.includes('busy'));
  const abort = new AbortController();
  const canceled = transport.send(callOf(), abort.signal);
  await nextTurn();
  abort.abort();
  // Its head and its cancel wait in the socket together.
  await nextTurn();
  await nextTurn();
  runtime.write('go', '');
  await assert.rejects(canceled);
  assert.equal((await busy).text, 'done');
  runtime.child.kill('SIGTERM');
  assert.deepEqual(await runtime.exited, [0, null]);
});

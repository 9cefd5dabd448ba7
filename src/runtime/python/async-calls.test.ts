import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
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

test('an ASGI app goes on when its bytes are sent, not when more of the request arrives', async (t) => {
  const code = `
import asyncio
async def app(scope, receive, send):
    if scope["type"] != "http": raise NotImplementedError
    if scope["path"] == "/listen":
        listening = asyncio.ensure_future(receive())
    await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
    await send({"type": "http.response.body", "body": bytes(1000000 if scope["path"] == "/listen" else 1)})
    print("sent", scope["path"])
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]})`;
  const { transport, runtime } = await servePython(t, code);
  const request = new Readable({ read() {} });
  const { reply } = await transport.send(callOf({ target: '/listen', body: request }), undefined);
  request.push('more');
  await nextTurn();
  await callRuntime(transport, { target: '/' });
  await until('the later call is logged', () => runtime.output.includes('sent /\n'));
  assert.ok(!runtime.output.includes('sent /listen'));
  assert.ok(reply.kind === 'streaming');
  const body = Buffer.concat((await reply.body.toArray()) as Buffer[]);
  assert.deepEqual([body.length, reply.trailers()], [1_000_000, ['x-sum', '1']]);
  request.push(null);
});

test('a handler is a coroutine where its decorator is', async (t) => {
  const code = `
import functools
def patient(function):
    @functools.wraps(function)
    async def inner(*args): return function(*args)
    return inner
@patient
def handle(event, context): return "waited"`;
  const { transport } = await servePython(t, code);
  assert.equal((await callRuntime(transport)).text, 'waited');
});

test('an instance whose loop hears signals of the function still hears its own stop', async (t) => {
  const code = `
import asyncio, signal
async def handle(event, context):
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print, "heard")
    return "fine"`;
  const { transport, runtime } = await servePython(t, code);
  assert.equal((await callRuntime(transport)).text, 'fine');
  runtime.child.kill('SIGTERM');
  assert.deepEqual(await runtime.exited, [0, null]);
});

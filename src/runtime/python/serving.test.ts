import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { callRuntime } from '../../../test/support/frame-runtime.ts';
import { callOf } from '../../../test/support/node-runtime.ts';
import { servePython } from '../../../test/support/python-runtime.ts';
import { until } from '../../../test/support/until.ts';

test('a generator is sent piece by piece as it yields', async (t) => {
  const code = `
import threading
go = threading.Event()
def handle(event, context):
    if event.path == "/go":
        go.set()
        return "gone"
    def pieces():
        yield "first "
        go.wait()
        yield b"second"
    return {"headers": {"content-type": "text/event-stream"}, "body": pieces()}`;
  const { transport } = await servePython(t, code);
  const { reply } = await transport.send(callOf(), undefined);
  assert.equal(reply.kind, 'streaming');
  if (reply.kind !== 'streaming') return;
  const chunks: string[] = [];
  reply.body.on('data', (bytes: Buffer) => chunks.push(bytes.toString()));
  const ended = once(reply.body, 'end');
  await until('the first piece', () => chunks.join('') === 'first ');
  await callRuntime(transport, { target: '/go' });
  await ended;
  assert.equal(chunks.join(''), 'first second');
});

test('handlers that wait run beside each other, and quick calls go on meanwhile', async (t) => {
  const code = `
import threading
together = threading.Barrier(8)
def handle(event, context):
    if event.path == "/quick": return "quick"
    together.wait(10)
    return "together"`;
  const { transport } = await servePython(t, code, { concurrency: 20 });
  const waiting = Array.from({ length: 7 }, () => callRuntime(transport));
  for (let i = 0; i < 50; i++) assert.equal((await callRuntime(transport, { target: '/quick' })).text, 'quick');
  waiting.push(callRuntime(transport));
  for (const answer of await Promise.all(waiting)) assert.equal(answer.text, 'together');
});

test('more calls than the instance may have at once are refused', async (t) => {
  const code = `
import threading
go = threading.Event()
def handle(event, context):
    go.wait(10) if event.path == "/wait" else go.set()`;
  const { transport } = await servePython(t, code, { concurrency: 2 });
  const first = callRuntime(transport, { target: '/wait' });
  const second = callRuntime(transport, { target: '/wait' });
  await assert.rejects(callRuntime(transport), { code: 'unavailable', message: /limit is 2/ });
  void [first, second].map((one) => one.catch(() => undefined));
});

test('prints of calls that run at once keep to their own lines', async (t) => {
  const code = `
import threading, sys
barrier = threading.Barrier(4)
print("while loading")
def handle(event, context):
    barrier.wait(10)
    for i in range(50):
        print("line", i, "of", context.call_id, sep=" ")
    sys.stdout.write("open end")
    sys.stdout.buffer.write(b" bytes\\nmore")`;
  const { transport, runtime } = await servePython(t, code);
  await Promise.all(Array.from({ length: 4 }, (_, i) => callRuntime(transport, { id: `call-${i}` })));
  await until('all lines', () => runtime.output.split('\n').length === 4 * 52 + 2);
  const lines = runtime.output.trimEnd().split('\n');
  assert.equal(lines[0], 'while loading');
  for (const id of ['call-0', 'call-1', 'call-2', 'call-3']) {
    const own = lines.filter((line) => line.startsWith(`\u001e${id}\u001f`)).map((line) => line.slice(id.length + 2));
    assert.deepEqual(own, [...Array.from({ length: 50 }, (_, i) => `line ${i} of ${id}`), 'open end bytes', 'more']);
  }
});

test('a cancelled call is confirmed when its handler ended, not before', async (t) => {
  const code = `
import threading
go = threading.Event()
def handle(event, context):
    if event.path == "/go":
        go.set()
        return "gone"
    if event.path == "/quick": return "quick"
    print("began")
    go.wait(10)
    print("stopped", context.stopped)`;
  const { transport, runtime } = await servePython(t, code);
  const abort = new AbortController();
  const ended: string[] = [];
  const call = transport.send(callOf(), abort.signal).catch(() => ended.push('call'));
  await until('the handler', () => runtime.output.includes('began'));
  abort.abort();
  assert.equal((await callRuntime(transport, { target: '/quick' })).status, 200);
  assert.deepEqual(ended, []);
  await callRuntime(transport, { target: '/go' });
  await call;
  assert.deepEqual(ended, ['call']);
  await until('its last words', () => runtime.output.includes('stopped True'));
});

test('a caller that leaves ends a generator and a handler that reads', async (t) => {
  const code = `
def handle(event, context):
    if event.path == "/read":
        return event.body
    def pieces():
        try:
            while True: yield b"x" * 5000
        finally:
            print("closed", context.call_id)
    return pieces()`;
  const { transport, runtime } = await servePython(t, code);
  const { reply, done } = await transport.send(callOf({ id: 'endless' }), undefined);
  if (reply.kind === 'streaming') reply.body.destroy();
  await done;
  await until('the end', () => runtime.output.includes('closed endless'));
  const abort = new AbortController();
  const body = new Readable({ read() {} });
  body.push(Buffer.alloc(50_000));
  const reading = transport.send(callOf({ target: '/read', body }), abort.signal);
  await callRuntime(transport, { target: '/read', body: Buffer.from('x') });
  abort.abort();
  await assert.rejects(reading);
  assert.ok(!runtime.errors.includes('Traceback'), runtime.errors);
});

test('SIGTERM lets running calls end, refuses new ones, and exits with 0', async (t) => {
  const code = `
import atexit, threading
atexit.register(lambda: print("bye"))
def handle(event, context):
    print("began")
    threading.Event().wait(0.2)
    return "done"`;
  const { transport, runtime } = await servePython(t, code);
  const call = callRuntime(transport);
  await until('it began', () => runtime.output.includes('began'));
  runtime.child.kill('SIGTERM');
  assert.equal((await call).text, 'done');
  assert.deepEqual(await runtime.exited, [0, null]);
  assert.match(runtime.output, /bye/);
  await assert.rejects(callRuntime(transport));
});

test('a signal the function hears itself is no stop', async (t) => {
  const code = `
import signal
signal.signal(signal.SIGALRM, lambda *_: print("heard"))
def handle(event, context):
    signal.raise_signal(signal.SIGALRM)
    return "fine"`;
  const { transport, runtime } = await servePython(t, code);
  for (let call = 0; call < 3; call += 1) assert.equal((await callRuntime(transport)).text, 'fine');
  await until('its handler', () => runtime.output.includes('heard'));
  runtime.child.kill('SIGTERM');
  assert.deepEqual(await runtime.exited, [0, null]);
});

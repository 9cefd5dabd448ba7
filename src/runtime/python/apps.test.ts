import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { callRuntime } from '../../../test/support/frame-runtime.ts';
import { callOf } from '../../../test/support/node-runtime.ts';
import { servePython } from '../../../test/support/python-runtime.ts';
import { until } from '../../../test/support/until.ts';

test('a WSGI app is served: environ, write, iterables, errors', async (t) => {
  const code = `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/echo":
        start_response("202 Accepted", [("Content-Type", environ["CONTENT_TYPE"])])
        return iter(lambda: environ["wsgi.input"].read(7000), b"")
    if path == "/write":
        write = start_response("200 OK", [("Content-Length", "6")])
        write(b"one")
        return [b"two"]
    if path == "/lines":
        start_response("200 OK", [])
        return [b"|".join(environ["wsgi.input"].readlines())]
    if path == "/none": return [b"x"]
    start_response("200 OK", [("X-Q", environ["QUERY_STRING"]), ("X-H", environ["HTTP_X_A"]), ("X-N", environ["SERVER_NAME"])])
    return [b"a", b"b"]`;
  const { transport } = await servePython(t, code);
  const plain = await callRuntime(transport, {
    target: '/?q=1',
    headers: ['X-A', '1', 'x-a', '2', 'X_A', '3', 'Host', 'f.example'],
  });
  assert.deepEqual(
    [plain.text, plain.headers['x-q'], plain.headers['x-h'], plain.headers['x-n']],
    ['ab', 'q=1', '1,2', 'f.example'],
  );
  const body = Buffer.alloc(200_000, 'abc');
  const echo = await callRuntime(transport, {
    target: '/echo',
    headers: ['Content-Type', 'a/b'],
    body: Readable.from([body]),
  });
  assert.deepEqual([echo.status, echo.headers['content-type'], echo.text === body.toString()], [202, 'a/b', true]);
  assert.equal((await callRuntime(transport, { target: '/write', headers: ['x-a', ''] })).text, 'onetwo');
  assert.equal((await callRuntime(transport, { target: '/lines', body: Buffer.from('a\nb\nc') })).text, 'a\n|b\n|c');
  assert.equal((await callRuntime(transport, { target: '/none' })).status, 500);
});

test('an ASGI app is served: lifespan, streaming both ways, trailers, cancellation', async (t) => {
  const code = `
import asyncio
class App:
    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            scope["state"]["word"] = "hi"
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            print("shut down")
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/hang":
            print("hanging")
            try:
                await asyncio.sleep(100)
            finally:
                print("let go")
        head = {"type": "http.response.start", "status": 200, "headers": [(b"x-word", scope["state"]["word"].encode())]}
        if scope["path"] == "/trailers":
            await send({**head, "trailers": True})
            await send({"type": "http.response.body", "body": b"x"})
            await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]})
            return
        await send(head)
        while True:
            message = await receive()
            await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": message["more_body"]})
            if not message["more_body"]: return
app = App()`;
  const { transport, runtime } = await servePython(t, code);
  const body = Buffer.alloc(1_500_000, 'abc');
  const echo = await callRuntime(transport, { body: Readable.from([body.subarray(0, 70_000), body.subarray(70_000)]) });
  assert.deepEqual([echo.headers['x-word'], echo.text === body.toString()], ['hi', true]);
  const { reply } = await transport.send(callOf({ target: '/trailers' }), undefined);
  assert.deepEqual(reply.kind === 'buffered' ? reply.trailers : undefined, ['x-sum', '1']);
  const abort = new AbortController();
  const hanging = transport.send(callOf({ target: '/hang', id: 'h' }), abort.signal);
  await until('it hangs', () => runtime.output.includes('\u001eh\u001fhanging'));
  abort.abort();
  await assert.rejects(hanging);
  await until('it let go', () => runtime.output.includes('\u001eh\u001flet go'));
  runtime.child.kill('SIGTERM');
  assert.deepEqual(await runtime.exited, [0, null]);
  assert.match(runtime.output, /shut down/);
});

test('async handlers run beside each other in one thread', async (t) => {
  const code = `
import asyncio
waiting = []
async def handle(event, context):
    if event.path == "/stream":
        async def pieces():
            for i in range(3):
                await asyncio.sleep(0)
                yield "%d " % i
        return pieces()
    if event.path == "/raise": raise KeyError("x")
    gate = asyncio.get_running_loop().create_future()
    waiting.append(gate)
    if len(waiting) == 5:
        for one in waiting: one.set_result(None)
    await gate
    return event.body`;
  const { transport, runtime } = await servePython(t, code);
  const answers = await Promise.all(
    Array.from({ length: 5 }, (_, i) => callRuntime(transport, { body: Buffer.from(String(i)) })),
  );
  assert.equal(answers.map(({ text }) => text).join(''), '01234');
  assert.equal((await callRuntime(transport, { target: '/stream' })).text, '0 1 2 ');
  assert.equal((await callRuntime(transport, { target: '/raise' })).text, "KeyError: 'x'\n");
  await until('the traceback', () => runtime.errors.includes('handler.py'));
});

test('what fails after a whole answer is logged, and the answer goes on', async (t) => {
  const apps = {
    WSGI: `
class Body(list):
    def close(self): raise ValueError("late")
def app(environ, start_response):
    start_response("200 OK", [])
    return Body([bytes(1000000)])`,
    ASGI: `
async def app(scope, receive, send):
    if scope["type"] != "http": raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(1000000)})
    raise ValueError("late")`,
  };
  for (const [kind, code] of Object.entries(apps)) {
    const { transport, runtime } = await servePython(t, code);
    assert.equal((await callRuntime(transport)).text.length, 1_000_000, kind);
    await until('the traceback', () => runtime.errors.includes('ValueError: late'));
  }
});

test('an ASGI app that waits for more of its request hears when its answer is complete', async (t) => {
  const code = `
import asyncio
async def app(scope, receive, send):
    if scope["type"] != "http": raise NotImplementedError
    async def listen():
        while (await receive())["type"] != "http.disconnect": pass
    listening = asyncio.ensure_future(listen())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"fine"})
    await listening`;
  const { transport, runtime } = await servePython(t, code);
  assert.equal((await callRuntime(transport)).text, 'fine');
  runtime.child.kill('SIGTERM');
  assert.deepEqual(await runtime.exited, [0, null]);
});

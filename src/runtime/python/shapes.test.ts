import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { callRuntime } from '../../../test/support/frame-runtime.ts';
import { callOf } from '../../../test/support/node-runtime.ts';
import { servePython } from '../../../test/support/python-runtime.ts';
import { until } from '../../../test/support/until.ts';

test('handle(event, context) gets what python3-http gives and answers with what it returns', async (t) => {
  const code = `
import json, os
def handle(event, context):
    return {"statusCode": 201, "headers": {"X-A": 1, "Set-Cookie": ["a=1", "b=2"]}, "body": {
        "body": event.body.decode(), "type": type(event.body).__name__, "method": event.method, "path": event.path,
        "query": event.query, "all": event.query.getlist("y"), "header": event.headers["x-two"],
        "missing": event.headers.get("none"), "call": context.call_id, "left": 0 < context.remaining_ms() <= 10000,
        "env": sorted(os.environ), "cwd": os.getcwd() == os.environ["HOME"]}}`;
  const { transport } = await servePython(t, code);
  const answer = await callRuntime(transport, {
    target: '/a%20b?x=1&y=2&y=%203',
    headers: ['X-Two', 'a', 'x-two', 'b'],
    body: Buffer.from('ü'),
  });
  assert.deepEqual([answer.kind, answer.status, answer.headers['x-a']], ['buffered', 201, '1']);
  assert.equal(answer.headers['set-cookie'], 'a=1, b=2');
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(answer.text), {
    body: 'ü',
    type: 'bytes',
    method: 'POST',
    path: '/a b',
    query: { x: '1', y: '2' },
    all: ['2', ' 3'],
    header: 'a, b',
    missing: null,
    call: 'call-1',
    left: true,
    env: ['HOME', 'PATH', 'TMPDIR'],
    cwd: true,
  });
});

test('the classic handle(req) gives back what it got, also what is not text', async (t) => {
  const { transport } = await servePython(t, 'def handle(req):\n    return req');
  const bytes = Buffer.from([0, 255, 254, 10, 0xc3, 0xbc]);
  const answer = await transport.send(callOf({ body: bytes }), undefined);
  assert.equal(answer.reply.kind, 'buffered');
  if (answer.reply.kind === 'buffered') assert.ok(answer.reply.body.equals(bytes));
  assert.equal((await callRuntime(transport)).text, '');
});

test('every kind of value a handler may return becomes an answer', async (t) => {
  const code = `
values = {"/none": None, "/str": "ü", "/bytes": b"\\x01", "/list": [1, 2], "/dict": {"a": 1}, "/tuple": ("made", 201),
          "/headers": ("x", 202, {"X-B": "2"}), "/status": {"statusCode": "404", "body": "no"}, "/204": {"statusCode": 204, "body": "ignored"}}
def handle(event, context):
    return values[event.path]`;
  const { transport } = await servePython(t, code);
  const summary = async (target: string, method = 'GET'): Promise<unknown[]> => {
    const { status, text, headers } = await callRuntime(transport, { target, method });
    return [status, text, headers['content-type']?.split(';')[0]];
  };
  assert.deepEqual(await summary('/none'), [200, '', undefined]);
  assert.deepEqual(await summary('/str'), [200, 'ü', 'text/plain']);
  assert.deepEqual(await summary('/bytes'), [200, '\u0001', 'application/octet-stream']);
  assert.deepEqual(await summary('/list'), [200, '[1, 2]', 'application/json']);
  assert.deepEqual(await summary('/dict'), [200, '{"a": 1}', 'application/json']);
  assert.deepEqual(await summary('/tuple'), [201, 'made', 'text/plain']);
  assert.deepEqual(await summary('/headers'), [202, 'x', 'text/plain']);
  assert.deepEqual(await summary('/status'), [404, 'no', 'text/plain']);
  assert.deepEqual(await summary('/204'), [204, '', 'text/plain']);
  const head = await callRuntime(transport, { target: '/list', method: 'HEAD' });
  assert.deepEqual([head.text, head.headers['content-length']], ['', '6']);
});

test('bodies far beyond the windows go both ways, whole and in pieces', async (t) => {
  const code = `
def handle(event, context):
    if event.path == "/whole": return event.body
    if event.path == "/generator": return pieces(event)
    return str(len(event.body))
def pieces(event):
    while True:
        data = event.stream.read(10000)
        if not data: return
        yield data`;
  const { transport } = await servePython(t, code);
  const body = Buffer.alloc(3_000_001, 'abcdefghij');
  for (const target of ['/whole', '/generator']) {
    for (const sent of [body, Readable.from([body.subarray(0, 1_000_000), body.subarray(1_000_000)])]) {
      const answer = await callRuntime(transport, { target, body: sent });
      assert.equal(answer.text.length, body.length, target);
      assert.equal(answer.text, body.toString(), target);
    }
  }
});

test('an exception becomes 500, its traceback goes to the log with the id of the call, and the function lives on', async (t) => {
  const code = `
import sys
def handle(event, context):
    print("hello", "from", context.call_id)
    if event.path == "/raise": return 1 / 0
    if event.path == "/exit": sys.exit(3)
    if event.path == "/json": return {"a": object()}
    def pieces():
        yield "x"
        raise ValueError("broke")
    return pieces() if event.path == "/stream" else "fine"`;
  const { transport, runtime } = await servePython(t, code);
  const raised = await callRuntime(transport, { target: '/raise', id: 'c-raise' });
  assert.deepEqual([raised.status, raised.text], [500, 'ZeroDivisionError: division by zero\n']);
  await until('the traceback', () => runtime.errors.includes('\u001ec-raise\u001fZeroDivisionError'));
  assert.match(runtime.errors, /handler\.py", line 5, in handle/);
  assert.ok(!runtime.errors.includes('tinderbox_runtime'), runtime.errors);
  const exited = await callRuntime(transport, { target: '/exit', id: 'c-exit' });
  assert.deepEqual([exited.status, exited.text], [500, 'the handler called sys.exit(3)\n']);
  await until('a word on the exit', () => runtime.errors.includes('\u001ec-exit\u001ftinderbox: sys.exit'));
  const json = await callRuntime(transport, { target: '/json' });
  assert.deepEqual([json.status, json.text], [500, 'TypeError: Object of type object is not JSON serializable\n']);
  await assert.rejects(callRuntime(transport, { target: '/stream' }), { code: 'lost', message: /broke/ });
  assert.equal((await callRuntime(transport)).text, 'fine');
  await until('the print', () => runtime.output.includes('\u001ec-raise\u001fhello from c-raise\n'));
});

test('answers that would inject fields or have no valid status end as bad replies', async (t) => {
  const code = `
replies = {"/crlf": {"headers": {"x": "a\\r\\nset-cookie: b"}}, "/name": {"headers": {"a b": "c"}}, "/wide": {"headers": {"x": "\\u2028"}},
           "/status": {"statusCode": 99}, "/word": {"statusCode": "two"}, "/big": {"headers": {"x": "y" * 70000}}}
def handle(event, context):
    return replies[event.path]`;
  const { transport, runtime } = await servePython(t, code);
  for (const target of ['/crlf', '/name', '/wide', '/status', '/word', '/big']) {
    await assert.rejects(callRuntime(transport, { target }), { code: 'bad-reply' }, target);
  }
  assert.match(runtime.errors, /the function's answer is not valid/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callRuntime } from '../../../test/support/frame-runtime.ts';
import { servePython } from '../../../test/support/python-runtime.ts';

const pieces = `
def pieces():
    try:
        while True: yield b"piece"
    finally: print("let go")`;

const shapes = {
  'a plain handler': `${pieces}
def handle(event, context):
    return {"statusCode": event.path[1:], "body": pieces()}`,
  'a coroutine': `
async def pieces():
    while True: yield b"piece"
async def handle(event, context):
    return {"statusCode": event.path[1:], "body": pieces()}`,
  'a WSGI app': `${pieces}
def app(environ, start_response):
    start_response(environ["PATH_INFO"][1:] + " Status", [])
    return pieces()`,
  'an ASGI app': `
async def app(scope, receive, send):
    if scope["type"] != "http": raise NotImplementedError
    await send({"type": "http.response.start", "status": int(scope["path"][1:]), "headers": []})
    await send({"type": "http.response.body", "body": b"piece", "more_body": True})
    await send({"type": "http.response.body", "body": b"piece"})`,
};

for (const [shape, code] of Object.entries(shapes)) {
  test(`what ${shape} streams is left out where an answer has no body, and endless pieces end`, async (t) => {
    const { transport } = await servePython(t, code);
    for (const [method, status] of [
      ['GET', 204],
      ['GET', 304],
      ['HEAD', 200],
    ] as const) {
      const answer = await callRuntime(transport, { method, target: `/${status}` });
      assert.deepEqual([answer.status, answer.text], [status, ''], `${method} ${status}`);
    }
  });
}

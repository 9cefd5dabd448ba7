import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { type TestPlatform, startPlatform } from '../support/platform.ts';

suite('handlers written to the contracts of OpenFaaS’s templates', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform.dispose());

  const call = (name: string, init: RequestInit = {}, path = ''): Promise<Response> =>
    platform.fetch(`/function/${name}${path}`, { method: 'POST', ...init });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  test('node12 to node22: event, context and what is returned', async () => {
    const source = `'use strict'
module.exports = async (event, context) => {
  if (event.path === '/fail') return context.status(418).fail('no tea');
  if (event.path === '/plain') return 'plain';
  return context
    .status(201)
    .headers({ 'x-seen': event.headers['x-sent'] })
    .succeed({ body: event.body, method: event.method, query: event.query, path: event.path });
};\n`;
    const callback = 'module.exports = (event, context, callback) => callback(undefined, { old: event.body });\n';
    for (const lang of ['node12', 'node22']) {
      await deployFiles(platform, lang, { 'handler.js': source }, { lang });
      const full = await call(
        lang,
        { body: '{"a":1}', headers: { 'content-type': 'application/json', 'x-sent': 'y' } },
        '/p?q=1',
      );
      assert.deepEqual([full.status, full.headers.get('x-seen')], [201, 'y']);
      assert.deepEqual(await full.json(), { body: { a: 1 }, method: 'POST', query: { q: '1' }, path: '/p' });
      const posted = (await (await call(lang, { body: 'a=1&b=x+y', headers: form })).json()) as { body: unknown };
      assert.deepEqual(posted.body, { a: '1', b: 'x y' });
      const failed = await call(lang, {}, '/fail');
      assert.deepEqual([failed.status, (await failed.text()).trim()], [418, 'no tea']);
      assert.equal(await (await call(lang, {}, '/plain')).text(), 'plain');
    }
    await deployFiles(platform, 'node14', { 'handler.js': callback }, { lang: 'node14' });
    assert.deepEqual(await (await call('node14', { body: 'x' })).json(), { old: 'x' });
  });

  test('python3, python3-flask and python3-http', async () => {
    const classic = { 'handler.py': 'def handle(req):\n    return req.upper()\n' };
    for (const lang of ['python3', 'python3-flask']) {
      await deployFiles(platform, lang, classic, { lang });
      const answer = await call(lang, { body: 'you' });
      assert.deepEqual([answer.status, await answer.text()], [200, 'YOU']);
    }
    const http = `def handle(event, context):
    return {
        "statusCode": 201,
        "headers": {"x-seen": event.headers.get("X-Sent")},
        "body": {"body": event.body.decode(), "q": event.query.get("q"), "method": event.method, "path": event.path},
    }\n`;
    await deployFiles(platform, 'python3-http', { 'handler.py': http }, { lang: 'python3-http' });
    const answer = await call('python3-http', { body: 'you', headers: { 'x-sent': 'y' } }, '/p?q=1');
    assert.deepEqual([answer.status, answer.headers.get('x-seen')], [201, 'y']);
    assert.deepEqual(await answer.json(), { body: 'you', q: '1', method: 'POST', path: '/p' });
  });

  test('bash-streaming: a line is answered before the next one is asked', async () => {
    const script = '#!/bin/bash\nwhile read -r line; do echo "$Http_Method $line"; done\n';
    await deployFiles(platform, 'bash-streaming', { 'handler.sh': script }, { lang: 'bash-streaming' });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const asking = call('bash-streaming', { body: readable, duplex: 'half' } as RequestInit);
    await writer.write(Buffer.from('one\n'));
    const reader = ((await asking).body ?? new ReadableStream<Uint8Array>()).getReader();
    const text = async (): Promise<string> => Buffer.from((await reader.read()).value ?? []).toString();
    assert.equal(await text(), 'POST one\n');
    await writer.write(Buffer.from('two\n'));
    assert.equal(await text(), 'POST two\n');
    await writer.close();
    assert.equal((await reader.read()).done, true);
  });
});

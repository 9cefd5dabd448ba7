import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { rootRequirement } from '../../../test/support/require.ts';
import { callOf, NodeRuntime, readAnswer, serve } from '../../../test/support/node-runtime.ts';
import { until } from '../../../test/support/until.ts';
import { TinderboxError } from '../../model/errors.ts';

const json = ['Content-Type', 'application/json; charset=utf-8'];

test('an OpenFaaS handler gets the event of its template and answers with what it returns', async (t) => {
  const { transport } = await serve(
    t,
    'module.exports = async (event, context) => ({ ...event, callId: context.callId });',
  );
  const answer = await readAnswer(
    await transport.send(
      callOf({
        target: '/a/b?x=1&y=2&y=3',
        headers: [...json, 'X-Two', 'a', 'x-two', 'b'],
        body: Buffer.from('{"a":1}'),
      }),
      undefined,
    ),
  );
  assert.deepEqual(JSON.parse(answer.text), {
    body: { a: 1 },
    headers: { 'content-type': 'application/json; charset=utf-8', 'x-two': 'a, b' },
    method: 'POST',
    query: { x: '1', y: ['2', '3'] },
    path: '/a/b',
    callId: 'call-1',
  });
  assert.equal(answer.headers['content-type'], 'application/json');
  const text = await readAnswer(await transport.send(callOf({ body: Buffer.from('plain ü') }), undefined));
  assert.equal(JSON.parse(text.text).body, 'plain ü');
  const bad = await readAnswer(await transport.send(callOf({ headers: json, body: Buffer.from('{') }), undefined));
  assert.equal(bad.status, 400);
  const long = Buffer.alloc(101 * 1024, '1');
  const large = await readAnswer(await transport.send(callOf({ headers: json, body: long }), undefined));
  assert.equal(large.status, 413);
  assert.match(large.text, /102400/);
});

test('status, headers, succeed, fail and the callback shape the answer', async (t) => {
  const code = `module.exports = (event, context, callback) => {
    switch (event.path) {
      case '/succeed': return void context.status(201).headers({ 'X-A': 1, 'Set-Cookie': ['a=1', 'b=2'] }).succeed('made');
      case '/fail': return void context.fail(new Error('no luck'));
      case '/fail-404': return void context.status(404).fail('nothing here');
      case '/callback': return void setTimeout(() => callback(null, { late: true }), 5);
      case '/callback-error': return void callback('wrong');
      case '/bytes': return void callback(null, Buffer.from([1, 2]));
      case '/array-buffer': return new Uint8Array([97, 98]).buffer;
      case '/nothing': return void context.succeed();
      case '/no-content': return void context.status(204).succeed('ignored');
    }
  };`;
  const { transport } = await serve(t, code);
  const call = async (target: string, method = 'GET'): Promise<Awaited<ReturnType<typeof readAnswer>>> =>
    readAnswer(await transport.send(callOf({ target, method }), undefined));
  const made = await call('/succeed');
  assert.deepEqual([made.status, made.text, made.headers['x-a']], [201, 'made', '1']);
  assert.equal(made.headers['set-cookie'], 'a=1, b=2');
  assert.match(made.headers['content-type'] ?? '', /^text\/plain/);
  const failed = await call('/fail');
  assert.deepEqual([failed.status, failed.text], [500, 'Error: no luck\n']);
  const missing = await call('/fail-404');
  assert.deepEqual([missing.status, missing.text], [404, 'nothing here\n']);
  assert.equal((await call('/callback')).text, '{"late":true}');
  assert.deepEqual([(await call('/callback-error')).status, (await call('/callback-error')).text], [500, 'wrong\n']);
  assert.equal((await call('/bytes')).headers['content-type'], 'application/octet-stream');
  const buffer = await call('/array-buffer');
  assert.deepEqual([buffer.headers['content-type'], buffer.text], ['application/octet-stream', 'ab']);
  assert.deepEqual([(await call('/nothing')).status, (await call('/nothing')).text], [200, '']);
  assert.deepEqual([(await call('/no-content')).status, (await call('/no-content')).text], [204, '']);
  const head = await call('/succeed', 'HEAD');
  assert.deepEqual([head.text, head.headers['content-length']], ['', '4']);
});

test('RAW_BODY gives the bytes, MAX_RAW_SIZE bounds them', async (t) => {
  const { transport, runtime } = await serve(
    t,
    'module.exports = async ({ body }) => `${Buffer.isBuffer(body)} ${body.length}`;',
    {
      env: { RAW_BODY: 'true', MAX_RAW_SIZE: '1kb' },
    },
  );
  const headers = json;
  const fits = await readAnswer(await transport.send(callOf({ headers, body: Buffer.alloc(1024) }), undefined));
  assert.equal(fits.text, 'true 1024');
  const streamed = Readable.from([Buffer.alloc(1000), Buffer.alloc(100)]);
  const large = await readAnswer(await transport.send(callOf({ body: streamed }), undefined));
  assert.equal(large.status, 413);
  assert.equal(runtime.errors, '');
});

test('a fetch handler streams requests and replies, with the headers a Response has', async (t) => {
  const code = `export default {
    async fetch(request, context) {
      const url = new URL(request.url);
      if (url.pathname === '/echo') return new Response(request.body, { status: 202, headers: { 'x-host': url.host } });
      if (url.pathname === '/cookies') {
        const headers = new Headers({ 'x-deadline': String(context.deadline > Date.now()) });
        headers.append('set-cookie', 'a=1');
        headers.append('set-cookie', 'b=2');
        return new Response(null, { headers });
      }
      if (url.pathname === '/json') return Response.json({ id: context.callId, body: await request.json() });
      return 'not a response';
    },
  };`;
  const { transport, runtime } = await serve(t, code, { file: 'handler.mjs' });
  const pieces = Array.from({ length: 50 }, (_, index) => Buffer.alloc(10_000, index));
  const echo = await transport.send(
    callOf({ target: '/echo', body: Readable.from(pieces), headers: ['Host', 'fn.example:81'] }),
    undefined,
  );
  assert.equal(echo.reply.kind, 'streaming');
  assert.equal(echo.reply.status, 202);
  if (echo.reply.kind === 'streaming') {
    const body = Buffer.concat((await echo.reply.body.toArray()) as Buffer[]);
    assert.ok(body.equals(Buffer.concat(pieces)));
  }
  await echo.done;
  const cookies = await readAnswer(await transport.send(callOf({ target: '/cookies' }), undefined));
  assert.deepEqual([cookies.headers['set-cookie'], cookies.headers['x-deadline']], ['a=1, b=2', 'true']);
  const parsed = await readAnswer(
    await transport.send(callOf({ target: '/json', body: Buffer.from('[1]') }), undefined),
  );
  assert.deepEqual([parsed.kind, parsed.text], ['buffered', '{"id":"call-1","body":[1]}']);
  const wrong = await readAnswer(await transport.send(callOf({ target: '/wrong' }), undefined));
  assert.deepEqual([wrong.status, wrong.text], [500, 'TypeError: fetch must return a Response\n']);
  await until('the stack', () => runtime.errors.includes('fetch-handler'));
});

test('generators, Node streams and web streams are answered piece by piece', async (t) => {
  const code = `import { Readable } from 'node:stream';
  let gate = Promise.withResolvers<void>();
  const step = async function* () { gate = Promise.withResolvers(); yield 'first, '; await gate.promise; yield 'second'; };
  export default (event: { path: string }): unknown => {
    if (event.path === '/next') return gate.resolve();
    if (event.path === '/generator') return step();
    if (event.path === '/readable') return Readable.from(step());
    if (event.path === '/web') return ReadableStream.from(step());
    return (async function* () { yield 'x'; throw new Error('broke'); })();
  };`;
  const { transport } = await serve(t, code, { file: 'handler.ts' });
  for (const target of ['/generator', '/readable', '/web']) {
    const sent = await transport.send(callOf({ target }), undefined);
    const answer = readAnswer(sent);
    await readAnswer(await transport.send(callOf({ target: '/next' }), undefined));
    assert.deepEqual([sent.reply.kind, (await answer).text], ['streaming', 'first, second'], target);
  }
  await assert.rejects(
    async () => readAnswer(await transport.send(callOf({ target: '/broken' }), undefined)),
    (error) => error instanceof TinderboxError && error.code === 'lost' && /broke/.test(error.message),
  );
});

test('a throwing handler answers 500 with one line and leaves its stack on stderr, marked with the call', async (t) => {
  const { transport, runtime } = await serve(t, `module.exports = async () => { throw new Error('first\\nsecond'); };`);
  const answer = await readAnswer(await transport.send(callOf({ id: 'id-7' }), undefined));
  assert.deepEqual([answer.status, answer.text], [500, 'Error: first\n']);
  await until('the stack', () => runtime.errors.includes('handler.cjs'));
  assert.ok(
    runtime.errors.split('\n').every((line) => line === '' || line.startsWith('\x1eid-7\x1f')),
    runtime.errors,
  );
});

test('an answer that throws when it is read is 500, and the process goes on', async (t) => {
  const code = `export default { fetch(request) {
    const response = new Response('a body');
    if (new URL(request.url).pathname === '/locked') response.body.getReader();
    if (new URL(request.url).pathname === '/hostile') return new Proxy({}, { has: () => true, get() { throw null; } });
    return response;
  } };`;
  const { transport } = await serve(t, code, { file: 'handler.mjs' });
  const call = async (target: string): Promise<Awaited<ReturnType<typeof readAnswer>>> =>
    readAnswer(await transport.send(callOf({ target }), undefined));
  for (const target of ['/locked', '/hostile']) assert.equal((await call(target)).status, 500, target);
  assert.equal((await call('/')).text, 'a body');
});

test('header injections and impossible statuses are an error, not an answer', async (t) => {
  const code = `module.exports = async (event, context) => {
    if (event.path === '/status') context.status(99);
    else context.headers({ 'x-a': event.path === '/crlf' ? 'b\\r\\nset-cookie: x=1' : '\\u010aset-cookie: x=1' });
    return 'x';
  };`;
  const { transport } = await serve(t, code);
  for (const target of ['/crlf', '/latin', '/status']) {
    await assert.rejects(
      transport.send(callOf({ target }), undefined),
      (error) => error instanceof TinderboxError && error.code === 'bad-reply',
    );
  }
});

test('lines logged by concurrent calls carry the id of their own call, others none', async (t) => {
  const code = `console.log('at load');
  module.exports = async (event, context) => {
    process.stdout.write('half ');
    await new Promise((resolve) => setTimeout(resolve, 5));
    console.log('of ' + context.callId + '\\nand more');
    process.stderr.write(Buffer.from('bytes \\u00e9\\n'));
    return '';
  };`;
  const { transport, runtime } = await serve(t, code);
  await Promise.all(['a', 'b'].map((id) => transport.send(callOf({ id }), undefined)));
  await until('all lines', () => runtime.errors.split('\n').length === 3 && runtime.output.split('\n').length >= 8);
  const lines = runtime.output.trimEnd().split('\n');
  assert.equal(lines[0], 'at load');
  for (const line of lines.slice(1)) {
    const [mark, id, text] = [line.slice(0, 1), line.slice(1, 2), line.slice(2)];
    assert.ok(mark === '\x1e' && /^[ab]$/.test(id), line);
    assert.ok(['\x1fhalf ', `\x1fof ${id}`, '\x1fand more', `\x1fhalf of ${id}`].includes(text), line);
  }
  assert.deepEqual(runtime.errors.trimEnd().split('\n').sort(), ['\x1ea\x1fbytes é', '\x1eb\x1fbytes é']);
});

test('the environment, the folder and the umask are the function’s own', async (t) => {
  const code = 'module.exports = async () => ({ env: process.env, cwd: process.cwd(), umask: process.umask() });';
  const { transport, runtime } = await serve(t, code, { env: { ONLY: 'this' } });
  const answer = await readAnswer(await transport.send(callOf(), undefined));
  assert.deepEqual(JSON.parse(answer.text), { env: { ONLY: 'this' }, cwd: runtime.dir, umask: 0o077 });
});

test('identity is taken before foreign code is loaded', async (t) => {
  if (!rootRequirement(t)) return;
  const code = `const { getuid, geteuid, getgid, getgroups } = process;
  const ids = [getuid(), geteuid(), getgid(), getgroups()];
  let back = 'refused';
  try { process.setuid(0); back = 'root'; } catch {}
  module.exports = async () => ({ ids, back });`;
  const { transport } = await serve(t, code, { identity: { uid: 45_001, gid: 45_001, groups: [45_002] } });
  const answer = await readAnswer(await transport.send(callOf(), undefined));
  assert.deepEqual(JSON.parse(answer.text), { ids: [45_001, 45_001, 45_001, [45_002, 45_001]], back: 'refused' });
});

test('packages are found in the module paths, by import and by require', async (t) => {
  const runtime = await NodeRuntime.start(t);
  const modules = join(runtime.dir, 'deps', 'node_modules');
  mkdirSync(join(modules, 'thing'), { recursive: true });
  writeFileSync(join(modules, 'thing', 'index.js'), `module.exports = 'the thing';`);
  const code = `import { createRequire } from 'node:module';
  import thing from 'thing';
  const required = createRequire(import.meta.url)('thing');
  if (thing !== 'the thing' || required !== thing) throw new Error('wrong');
  export default () => thing;`;
  assert.deepEqual(await runtime.specialise(code, { file: 'handler.mjs', modulePaths: [modules] }), {
    ok: true,
    style: 'event-context',
  });
});

test('a handler that cannot be loaded is told with its reason', async (t) => {
  for (const [code, reason] of [
    [`throw new Error('at load')`, /at load/],
    ['module.exports = (', /SyntaxError/],
    [`require('not-installed')`, /not-installed/],
    ['module.exports = 5', /exports no handler/],
  ] as const) {
    const runtime = await NodeRuntime.start(t);
    const ready = await runtime.specialise(code);
    assert.equal(ready.ok, false);
    assert.match(ready.reason ?? '', reason);
  }
});

test('a second specialise breaks the connection that sent it, and the function goes on', async (t) => {
  const { runtime, transport } = await serve(t, `module.exports = async () => 'first';`);
  await assert.rejects(runtime.specialise(`module.exports = async () => 'second';`));
  assert.equal((await readAnswer(await transport.send(callOf(), undefined))).text, 'first');
});

test('calls above the concurrency are refused', async (t) => {
  const { transport } = await serve(t, 'module.exports = () => new Promise(() => {});', { concurrency: 2 });
  const calls = [1, 2, 3].map(() => transport.send(callOf(), undefined));
  for (const call of calls) call.catch(() => {});
  await assert.rejects(
    calls[2] as Promise<unknown>,
    (error) => error instanceof TinderboxError && error.code === 'unavailable' && /limit is 2/.test(error.message),
  );
});

test('a cancel aborts the signal and is confirmed only when the handler settled', async (t) => {
  const code = `module.exports = (event, context) => new Promise((resolve) => {
    console.log('began');
    context.signal.addEventListener('abort', () => { console.log(context.signal.reason.name); setTimeout(resolve, 50); });
  });`;
  const { transport, runtime } = await serve(t, code);
  const abort = new AbortController();
  const call = transport.send(callOf(), abort.signal);
  await until('the begin', () => runtime.output.includes('began'));
  const begin = performance.now();
  abort.abort(new TinderboxError('deadline', 'too late'));
  await assert.rejects(call, (error) => error instanceof TinderboxError && error.code === 'deadline');
  assert.ok(performance.now() - begin >= 45);
  assert.match(runtime.output, /AbortError/);
});

test('a fetch handler finds the same signal on its request', async (t) => {
  const code = `export default { fetch: (request, { signal }) => new Response(String(request.signal === signal)) };`;
  const { transport } = await serve(t, code, { file: 'handler.mjs' });
  assert.equal((await readAnswer(await transport.send(callOf(), undefined))).text, 'true');
});

test('a deadline aborts the signal without a cancel', async (t) => {
  const code = `module.exports = (event, { signal, deadline }) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason.name + (Date.now() >= deadline))));`;
  const { transport } = await serve(t, code, { timeoutMs: 50 });
  const answer = await readAnswer(await transport.send(callOf(), undefined));
  assert.equal(answer.text, 'TimeoutErrortrue');
});

test('a cancelled stream ends its source and the slot with it', async (t) => {
  const code = `module.exports = async (event) => {
    if (event.path === '/web') return new ReadableStream({ pull() { return new Promise(() => {}); }, cancel() { console.log('canceled'); } });
    return (async function* () {
      try { for (;;) { yield Buffer.alloc(20000); await new Promise((r) => setImmediate(r)); } } finally { console.log('finally'); }
    })();
  };`;
  const { transport, runtime } = await serve(t, code);
  for (const [target, word] of [
    ['/web', 'canceled'],
    ['/endless', 'finally'],
  ] as const) {
    const { reply, done } = await transport.send(callOf({ target }), undefined);
    assert.equal(reply.kind, 'streaming');
    if (reply.kind === 'streaming') reply.body.destroy();
    await done;
    await until(word, () => runtime.output.includes(word));
  }
});

test('SIGTERM lets the running call end, refuses new ones, and exits 0', async (t) => {
  const code = `module.exports = () => new Promise((resolve) => { console.log('began'); setTimeout(resolve, 100, 'finished'); });`;
  const { transport, runtime } = await serve(t, code);
  const call = transport.send(callOf(), undefined);
  await until('the begin', () => runtime.output.includes('began'));
  runtime.child.kill('SIGTERM');
  assert.equal((await readAnswer(await call)).text, 'finished');
  assert.deepEqual(await runtime.exited, [0, null]);
});

test('a function that ends its process is told from one that was stopped, by code 1 and a line that says how', async (t) => {
  for (const [code, line] of [
    ['process.exit(0)', /the function called process\.exit\(0\) during call call-1/],
    [`setTimeout(() => { throw new Error('later') })`, /uncaught exception during call call-1: Error: later/],
    [`Promise.reject(new Error('lost'))`, /unhandled rejection during call call-1: Error: lost/],
  ] as const) {
    const { transport, runtime } = await serve(t, `module.exports = () => { ${code}; return new Promise(() => {}); };`);
    await assert.rejects(
      transport.send(callOf(), undefined),
      (error) => error instanceof TinderboxError && error.code === 'lost',
    );
    assert.deepEqual(await runtime.exited, [1, null]);
    await until('the line', () => line.test(runtime.errors));
  }
});

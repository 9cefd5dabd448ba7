import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { covers } from '../../../../test/support/covers.ts';
import { serveWatchdog } from '../../../../test/support/standalone-watchdog.ts';
import { until } from '../../../../test/support/until.ts';

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
  readonly headers: Headers;
}

async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const { status, headers } = response;
  return { status, headers, type: headers.get('content-type'), text: await response.text() };
}

const post = (body: string, headers: Record<string, string> = {}): RequestInit => ({ method: 'POST', body, headers });

test('classic: stdin is the body, stdout the answer, and the log has the lines its programs look for', async (t) => {
  covers('variable', 'classic-watchdog fprocess', 'of-watchdog fprocess');
  const { url, stderr } = await serveWatchdog(t, 'cat');
  const answer = await call(url, post('hello'));
  assert.deepEqual([answer.status, answer.text], [200, 'hello']);
  assert.match(answer.headers.get('x-duration-seconds') ?? '', /^\d+\.\d{6}$/);
  await until('the log', () =>
    /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d Forking fprocess\.\n.* Wrote 5 Bytes - Duration: \d+\.\d{6}s\n/ms.test(stderr()),
  );
});

test('classic: the type is the one set, else that of the request, else what the answer looks like', async (t) => {
  covers('variable', 'classic-watchdog content_type');
  const echo = await serveWatchdog(t, 'cat');
  assert.equal((await call(echo.url, post('{}', { 'content-type': 'application/json' }))).type, 'application/json');
  assert.equal((await call(echo.url)).type, null);
  const page = await serveWatchdog(t, 'echo "<html><body>hi"');
  assert.equal((await call(page.url)).type, 'text/html; charset=utf-8');
  const set = await serveWatchdog(t, 'cat', { content_type: 'text/css' });
  assert.equal((await call(set.url, post('{}', { 'content-type': 'application/json' }))).type, 'text/css');
});

test('classic: stderr is part of the answer unless combine_output is false', async (t) => {
  covers('variable', 'classic-watchdog combine_output');
  const script = 'echo out; echo err >&2';
  const together = await serveWatchdog(t, script);
  assert.deepEqual((await call(together.url)).text.trim().split('\n').sort(), ['err', 'out']);
  const apart = await serveWatchdog(t, script, { combine_output: 'false' });
  assert.equal((await call(apart.url)).text, 'out\n');
  await until('the log', () => / stderr: err\n/.test(apart.stderr()));
});

test('classic: a failure is 500 with its exit status and output, a late one 408, another method 405', async (t) => {
  covers('variable', 'classic-watchdog exec_timeout');
  const failing = await serveWatchdog(t, 'echo why; exit 3');
  const failed = await call(failing.url);
  assert.deepEqual([failed.status, failed.text], [500, 'exit status 3\nwhy\n']);
  const refused = await call(failing.url, { method: 'OPTIONS' });
  assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, POST, PUT, PATCH, DELETE']);
  assert.equal((await call(failing.url, { method: 'HEAD' })).status, 405);
  const late = await serveWatchdog(t, 'echo $$ > pid; exec sleep 60', { exec_timeout: '300ms' });
  const answer = await call(late.url);
  assert.deepEqual([answer.status, answer.text], [408, 'Killed process.\n']);
  const pid = Number(readFileSync(join(late.dir, 'pid'), 'utf8'));
  await until('its end', () => !existsSync(`/proc/${pid}`));
});

test('streaming: output comes as it is written, as bytes', async (t) => {
  covers('variable', 'of-watchdog mode');
  const { url } = await serveWatchdog(t, 'echo one; read line; echo "two $line"', { mode: 'streaming' });
  const sent = request(url, { method: 'POST' });
  const answer = await new Promise<IncomingMessage>((resolve) => {
    sent.on('response', resolve);
    sent.flushHeaders();
  });
  assert.equal(answer.headers['content-type'], 'application/octet-stream');
  let text = '';
  answer.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await until('the first line', () => text === 'one\n');
  sent.end('more\n');
  await until('the second', () => text === 'one\ntwo more\n');
});

test('streaming and serializing: the type is the one set, else that of bytes', async (t) => {
  covers('variable', 'of-watchdog content_type');
  const asked = post('{}', { 'content-type': 'application/json' });
  for (const mode of ['streaming', 'serializing']) {
    const plain = await serveWatchdog(t, 'cat', { mode });
    assert.equal((await call(plain.url, asked)).type, 'application/octet-stream');
    const set = await serveWatchdog(t, 'cat', { mode, content_type: 'text/css' });
    assert.equal((await call(set.url, asked)).type, 'text/css');
  }
});

test('streaming: a failure before the first byte is 500, after it the answer is cut off', async (t) => {
  const { url } = await serveWatchdog(t, '[ "$Http_Path" = /early ] && exit 4; echo some; sleep 0.1; exit 4', {
    mode: 'streaming',
  });
  const early = await call(`${url}/early`);
  assert.deepEqual([early.status, early.text], [500, 'exit status 4']);
  await assert.rejects(call(`${url}/late`), 'half an answer must not pass for a whole one');
});

test('serializing: a failure is 500 with the exit status alone, a late one 504', async (t) => {
  covers('variable', 'of-watchdog exec_timeout');
  const { url } = await serveWatchdog(t, 'echo secret; exit 5', { mode: 'serializing' });
  const failed = await call(url);
  assert.deepEqual([failed.status, failed.text], [500, 'exit status 5']);
  const late = await serveWatchdog(t, 'exec sleep 60', { mode: 'serializing', exec_timeout: '200ms' });
  const answer = await call(late.url);
  assert.deepEqual([answer.status, answer.headers.get('x-openfaas-internal')], [504, 'of-watchdog']);
  assert.match(answer.text, /within 0\.2s/);
});

test('X-Timeout shortens the limit of one call, and lengthens none', async (t) => {
  const { url } = await serveWatchdog(t, 'sleep "$(cat)"; echo done', { mode: 'serializing', exec_timeout: '2s' });
  assert.equal((await call(url, post('60', { 'X-Timeout': '100ms' }))).status, 504);
  assert.equal((await call(url, post('60', { 'X-Timeout': '1h' }))).status, 504);
  for (const odd of ['soon', '5', '-1s']) assert.equal((await call(url, post('0', { 'X-Timeout': odd }))).status, 200);
});

test('write_timeout bounds a call as exec_timeout does, with an answer', async (t) => {
  covers('variable', 'classic-watchdog write_timeout', 'of-watchdog write_timeout');
  const { url } = await serveWatchdog(t, 'exec sleep 60', { write_timeout: '200ms' });
  assert.equal((await call(url)).status, 408);
});

test('marshal_request: stdin is JSON with header and body', async (t) => {
  covers('variable', 'classic-watchdog marshal_request');
  const { url } = await serveWatchdog(t, 'cat', { marshal_request: 'true' });
  const body = 'x'.repeat(100_001);
  const { text } = await call(url, post(body, { 'X-Two': 'é', 'content-type': 'a/b' }));
  const { header, body: told } = JSON.parse(text) as {
    header: Record<string, string[]>;
    body: { raw: string };
  };
  assert.deepEqual(
    [header['X-Two'], header['Content-Type'], header['Content-Length'], header['Host']],
    [['\ufffd'], ['a/b'], ['100001'], undefined],
  );
  assert.equal(Buffer.from(told.raw, 'base64').toString(), body);
  assert.equal((JSON.parse((await call(url)).text) as { body: { raw: string } }).body.raw, '');
});

test('cgi_headers: the request is in the environment beside our own variables, or not at all', async (t) => {
  covers('variable', 'classic-watchdog cgi_headers');
  const told = await serveWatchdog(t, 'env', { OWN: 'kept' });
  const { text } = await call(`${told.url}/a%20b/c?x=1`, { ...post('12345', { 'X-One': '1' }), method: 'PUT' });
  for (const line of [
    'Http_Method=PUT',
    'Http_Path=/a b/c',
    'Http_Query=x=1',
    'Http_X_One=1',
    'Http_Content_Length=5',
    'Http_ContentLength=5',
    `Http_Host=127.0.0.1:${told.watchdog.port}`,
    'OWN=kept',
  ]) {
    assert.match(text, new RegExp(`^${line.replace(/[?.]/g, '\\$&')}$`, 'm'));
  }
  const plain = await serveWatchdog(t, 'env', { cgi_headers: 'false' });
  assert.doesNotMatch((await call(plain.url)).text, /^Http_/m);
});

async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  await new Promise((resolve) => socket.on('close', resolve));
  return answer;
}

test('no header gets anywhere else in the environment than behind Http_', async (t: TestContext) => {
  const { url, watchdog } = await serveWatchdog(t, 'env', { OWN: 'kept' });
  const hostile = [
    'LD_PRELOAD: /tmp/evil.so',
    'PATH: /nowhere/evil',
    'BASH_FUNC_x%%: () { :; }',
    'own: changed',
    'method: TRACE',
    'query: forged',
    'path: /forged',
    'contentlength: 7',
  ].join('\r\n');
  const answer = await raw(watchdog.port, `GET /real HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${hostile}\r\n\r\n`);
  const names = answer
    .split('\r\n\r\n')[1]
    ?.split('\n')
    .map((line) => line.split('=')[0] ?? '');
  assert.deepEqual(
    names?.filter((name) => /preload|bash_func|query/i.test(name)),
    ['Http_Ld_preload'],
  );
  for (const line of ['OWN=kept', 'Http_Own=changed', 'Http_Path=/real', 'Http_Method=GET', 'Http_Contentlength=7']) {
    assert.match(answer, new RegExp(`^${line}\r?$`, 'm'));
  }
  assert.doesNotMatch(answer, /^(PATH=\/nowhere|LD_PRELOAD)/m);
  for (const bad of ['X: a\0b', 'X: a\nLD_PRELOAD=b', 'X\0: a', 'X Y: a', 'X: a\rb']) {
    const refused = await raw(watchdog.port, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${bad}\r\n\r\n`);
    if (refused.startsWith('HTTP/1.1 400')) continue;
    assert.match(refused, /^HTTP\/1\.1 200/);
    assert.doesNotMatch(refused, /^LD_PRELOAD/m, JSON.stringify(bad));
  }
  assert.match((await call(`${url}/a%00b%0ac`)).text, /^Http_Path=\/a%00b%0ac$/m);
});

test('headers beyond their limits are refused and start no process', async (t) => {
  const { dir, watchdog } = await serveWatchdog(t, 'touch ran; cat');
  const many = Array.from({ length: 1001 }, (_, at) => `X-${at}: 1\r\n`).join('');
  const head = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n';
  assert.match(await raw(watchdog.port, `${head}${many}\r\n`), /^HTTP\/1\.1 431[^]*more than 1000 header fields\n$/);
  const long = `X-Long: ${'x'.repeat(300 * 1024)}\r\n`;
  assert.match(await raw(watchdog.port, `${head}${long}\r\n`), /^HTTP\/1\.1 431[^]*more than 262144 bytes\n$/);
  const longer = `X-Long: ${'x'.repeat(1100 * 1024)}\r\n`;
  assert.match(await raw(watchdog.port, `${head}${longer}\r\n`), /^HTTP\/1\.1 431/);
  assert.ok(!existsSync(join(dir, 'ran')));
});

test('max_inflight: the call too many is refused, and a place is free again when its process has ended', async (t) => {
  covers('variable', 'classic-watchdog max_inflight', 'of-watchdog max_inflight');
  const script = 'echo $$ >> pids; until [ -e go ]; do sleep 0.02; done; echo done';
  const { url, dir } = await serveWatchdog(t, script, { max_inflight: '1' });
  const first = call(url);
  await until('it runs', () => existsSync(join(dir, 'pids')));
  const refused = await call(url);
  assert.deepEqual(
    [refused.status, refused.type, refused.headers.get('x-openfaas-internal'), refused.text],
    [429, 'text/plain', 'faas-middleware', 'Concurrent request limit exceeded. Max concurrent requests: 1\n'],
  );
  assert.equal((await call(`${url}/_/ready`)).status, 429);
  assert.equal((await call(`${url}/_/health`)).status, 200);
  writeFileSync(join(dir, 'go'), '');
  assert.equal((await first).text, 'done\n');
  await until('the place is free', async () => (await call(url)).status === 200);
});

test('a caller that goes away ends its process', async (t) => {
  const { url, dir } = await serveWatchdog(t, 'echo $$ > pid; exec sleep 60');
  const abort = new AbortController();
  const gone = fetch(url, { signal: abort.signal }).catch(() => undefined);
  const file = join(dir, 'pid');
  await until('it runs', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  abort.abort();
  await gone;
  const pid = Number(readFileSync(file, 'utf8'));
  await until('its end', () => !existsSync(`/proc/${pid}`));
});

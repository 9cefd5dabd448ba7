import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { callRuntime, FrameRuntime } from '../../../test/support/frame-runtime.ts';
import { callOf } from '../../../test/support/node-runtime.ts';
import { until } from '../../../test/support/until.ts';
import type { Specialise } from '../../frame/messages.ts';
import type { Transport } from '../../router/transport/transport.ts';

const command = [process.execPath, join(import.meta.dirname, 'main.ts')];

interface Served {
  readonly runtime: FrameRuntime;
  readonly transport: Transport;
}

/** A watchdog of a shell script. */
async function serve(
  t: TestContext,
  script: string,
  env: Record<string, string> = {},
  options: Partial<Specialise> = {},
): Promise<Served> {
  const runtime = await FrameRuntime.start(t, command);
  runtime.write('fn.sh', `#!/bin/sh\n${script}\n`, 0o755);
  const ready = await runtime.specialise({
    process: ['./fn.sh'],
    env: { PATH: '/usr/bin:/bin', HOME: runtime.dir, ...env },
    ...options,
  });
  assert.deepEqual(ready, { ok: true, style: 'fork' });
  return { runtime, transport: runtime.transport(t) };
}

function isAlive(pid: number): boolean {
  try {
    // A zombie is dead; only its parent has not looked yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('each call is a process: stdin is the body, stdout the answer', async (t) => {
  const { transport } = await serve(t, 'wc -c | tr -d " "; echo $$ >&2');
  const body = Buffer.alloc(1_000_000, 'x');
  assert.equal((await callRuntime(transport, { body })).text, '1000000\n');
  const streamed = await callRuntime(transport, { body: Readable.from([body, body]) });
  assert.equal(streamed.text, '2000000\n');
  const empty = await callRuntime(transport);
  assert.deepEqual([empty.kind, empty.status, empty.text], ['buffered', 200, '0\n']);
  assert.match(empty.headers['x-duration-seconds'] ?? '', /^\d+\.\d{6}$/);
});

test('the answer has the content type of the request, or the configured one, or text', async (t) => {
  const echoing = await serve(t, 'cat');
  const typed = await callRuntime(echoing.transport, { headers: ['Content-Type', 'a/b'], body: Buffer.from('x') });
  assert.equal(typed.headers['content-type'], 'a/b');
  assert.equal((await callRuntime(echoing.transport)).headers['content-type'], 'text/plain');
  const forced = await serve(t, 'cat', { content_type: 'image/png' });
  const image = await callRuntime(forced.transport, { headers: ['Content-Type', 'a/b'], body: Buffer.from('x') });
  assert.equal(image.headers['content-type'], 'image/png');
});

test('the request is in the environment, and nothing a header says gets elsewhere in it', async (t) => {
  const { transport } = await serve(t, 'env', { SECRET: 'kept', TINDERBOX_X: '1' });
  const { text } = await callRuntime(transport, {
    target: '/a/b?x=1&y=2',
    headers: [
      'host',
      'fn.example',
      'X-Two',
      'first',
      'x-two',
      'second',
      'x_two',
      'sly',
      'method',
      'TRACE',
      'secret',
      'no',
      'x%y',
      'z',
    ],
    body: Buffer.from('12345'),
  });
  const env = text
    .trim()
    .split('\n')
    .filter((line) => /^(Http_|SECRET|LEAKED|TINDERBOX_SOCKET)/.test(line));
  assert.deepEqual(env.sort(), [
    'Http_ContentLength=5',
    'Http_Content_Length=5',
    'Http_Host=fn.example',
    'Http_Method=POST',
    'Http_Path=/a/b',
    'Http_Query=x=1&y=2',
    'Http_Secret=no',
    'Http_X_Two=first',
    'Http_X_two=sly',
    'SECRET=kept',
  ]);
  const chunked = await callRuntime(transport, { body: Readable.from([Buffer.from('x')]) });
  assert.match(chunked.text, /^Http_Transfer_Encoding=chunked$/m);
  const plain = await serve(t, 'env', { cgi_headers: 'false' });
  assert.ok(!(await callRuntime(plain.transport)).text.includes('Http_'));
});

test('a bad exit is 500 with the exit status and what was written, stderr goes to the log', async (t) => {
  const { transport, runtime } = await serve(t, 'echo partly; printf "why\\nand more" >&2; exit 3');
  const failed = await callRuntime(transport, { id: 'c-7' });
  assert.deepEqual([failed.status, failed.text], [500, 'exit status 3\npartly\n']);
  await until('the log', () => runtime.errors === '\u001ec-7\u001fwhy\n\u001ec-7\u001fand more\n');
  const killed = await serve(t, 'kill -9 $$');
  assert.equal((await callRuntime(killed.transport)).text, 'signal: SIGKILL\n');
  const combined = await serve(t, 'echo both >&2', { combine_output: 'true' });
  assert.equal((await callRuntime(combined.transport)).text, 'both\n');
});

test('a large answer goes through the windows, and one that breaks off is told as such', async (t) => {
  const { transport } = await serve(t, 'head -c 5000000 /dev/zero | tr "\\0" a; exit $(cat)');
  const { text, kind } = await callRuntime(transport, { body: Buffer.from('0') });
  assert.deepEqual([kind, text.length], ['streaming', 5_000_000]);
  await assert.rejects(callRuntime(transport, { body: Buffer.from('4') }), { code: 'lost', message: /exit status 4/ });
});

test('with mode=streaming output is sent as it comes, both ways', async (t) => {
  const { transport } = await serve(t, 'while read line; do echo "got $line"; done', { mode: 'streaming' });
  const body = new Readable({ read() {} });
  body.push('one\n');
  const { reply } = await transport.send(callOf({ method: 'POST', body }), undefined);
  assert.equal(reply.kind, 'streaming');
  if (reply.kind !== 'streaming') return;
  let text = '';
  reply.body.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const ended = once(reply.body, 'end');
  await until('the first line', () => text === 'got one\n');
  body.push('two\n');
  await until('the second', () => text === 'got one\ngot two\n');
  body.push(null);
  await ended;
});

test('a program that does not read its input does not hold up the caller', async (t) => {
  const { transport } = await serve(t, 'exec 0<&-; echo fine');
  const answer = await callRuntime(transport, { body: Readable.from([Buffer.alloc(300_000), Buffer.alloc(300_000)]) });
  assert.equal(answer.text, 'fine\n');
});

test('a cancelled call ends its whole process group, and is confirmed only then', async (t) => {
  const { transport, runtime } = await serve(t, 'trap "" TERM; sleep 60 & echo $$ $! > "$HOME/pids"; wait; sleep 60');
  const abort = new AbortController();
  const call = transport.send(callOf(), abort.signal);
  const file = join(runtime.dir, 'pids');
  await until('the process', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  const pids = readFileSync(file, 'utf8').trim().split(' ').map(Number);
  assert.ok(pids.every(isAlive));
  abort.abort();
  await assert.rejects(call);
  assert.deepEqual(pids.filter(isAlive), []);
});

test('what a process leaves behind in its group ends with the call', async (t) => {
  const { transport, runtime } = await serve(t, 'sleep 60 & echo $! > "$HOME/pid"; echo done');
  assert.equal((await callRuntime(transport)).text, 'done\n');
  const pid = Number(readFileSync(join(runtime.dir, 'pid'), 'utf8'));
  await until('its end', () => !isAlive(pid));
});

test('a daemon that keeps the output open does not keep the call', async (t) => {
  const { transport, runtime } = await serve(t, 'setsid sleep 60 & echo $! > "$HOME/pid"; echo done; sleep 0.1');
  assert.equal((await callRuntime(transport)).text, 'done\n');
  const pid = Number(readFileSync(join(runtime.dir, 'pid'), 'utf8'));
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

test('a caller that stops reading stops the program, not the memory of the watchdog', async (t) => {
  const { transport, runtime } = await serve(t, 'echo $$ > "$HOME/pid"; exec cat /dev/zero', { mode: 'streaming' });
  const { reply, done } = await transport.send(callOf(), undefined);
  const pid = Number(readFileSync(join(runtime.dir, 'pid'), 'utf8'));
  let written = 0;
  await until('it writes no more', () => {
    const before = written;
    written = Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
    return written > 0 && written === before;
  });
  assert.ok(written < 4 * 1024 * 1024, `${written} bytes`);
  if (reply.kind === 'streaming') reply.body.destroy();
  await done;
});

test('more calls than the instance may have at once are refused', async (t) => {
  const { transport } = await serve(t, 'sleep 5', {}, { concurrency: 1 });
  const abort = new AbortController();
  const first = transport.send(callOf(), abort.signal).catch(() => undefined);
  await assert.rejects(callRuntime(transport), { code: 'unavailable', message: /limit is 1/ });
  abort.abort();
  await first;
});

test('a program that is not there is named before any call', async (t) => {
  const runtime = await FrameRuntime.start(t, command);
  const ready = await runtime.specialise({ process: ['no-such-program', 'x'] });
  assert.equal(ready.ok, false);
  assert.match(ready.reason ?? '', /"no-such-program" was not found: it is not in PATH \(\/usr\/bin:\/bin\)/);
});

test('a program that vanished later is 500 and a line in the log', async (t) => {
  const { transport, runtime } = await serve(t, 'rm -f "$HOME/fn.sh"; echo last');
  assert.equal((await callRuntime(transport)).text, 'last\n');
  const gone = await callRuntime(transport, { id: 'c-9' });
  assert.equal(gone.status, 500);
  assert.match(gone.text, /^the process could not be started: ENOENT\n$/);
  await until('the log', () =>
    runtime.errors.includes('\u001ec-9\u001ftinderbox: the process could not be started: spawn'),
  );
});

test('SIGTERM lets running calls end, then exits with 0', async (t) => {
  const { transport, runtime } = await serve(t, 'echo began >&2; sleep 0.3; echo done');
  const call = callRuntime(transport);
  await until('it began', () => runtime.errors.includes('began'));
  runtime.child.kill('SIGTERM');
  assert.equal((await call).text, 'done\n');
  assert.deepEqual(await runtime.exited, [0, null]);
});

test('a second specialise, and a peer that speaks something else, lose their connections and nothing more', async (t) => {
  const { transport, runtime } = await serve(t, 'echo fine');
  const stranger = connect(runtime.socketPath);
  stranger.on('error', () => undefined);
  stranger.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  stranger.resume();
  await once(stranger, 'close');
  await assert.rejects(runtime.specialise({ process: ['true'] }));
  assert.equal((await callRuntime(transport)).text, 'fine\n');
});

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { covers, differs, notApplicable } from '../../../../test/support/covers.ts';
import { serveWatchdog } from '../../../../test/support/standalone-watchdog.ts';
import { tempDir } from '../../../../test/support/temp-dir.ts';
import { until } from '../../../../test/support/until.ts';
import { formatHumanSize } from './human-size.ts';

test('health is the lock file, and readiness as well', async (t) => {
  const { url, dir } = await serveWatchdog(t, 'cat');
  const status = async (path: string, method = 'GET'): Promise<number> => (await fetch(url + path, { method })).status;
  const lock = join(dir, '.lock');
  assert.ok(existsSync(lock));
  assert.equal(await (await fetch(`${url}/_/health`)).text(), 'OK');
  assert.deepEqual(
    [await status('/_/ready'), await status('/_/health', 'POST'), await status('/_/ready', 'PUT')],
    [200, 405, 405],
  );
  rmSync(lock);
  assert.deepEqual([await status('/_/health'), await status('/_/ready'), await status('/')], [503, 503, 200]);
});

test('suppress_lock writes no file and is healthy all the same', async (t) => {
  covers('variable', 'classic-watchdog suppress_lock', 'of-watchdog suppress_lock');
  const { url, dir } = await serveWatchdog(t, 'cat', { suppress_lock: 'true' });
  assert.ok(!existsSync(join(dir, '.lock')));
  assert.equal((await fetch(`${url}/_/health`)).status, 200);
});

test('ready_path runs the function, which counts nowhere', async (t) => {
  covers('variable', 'of-watchdog ready_path');
  const { url, dir, metrics, stderr } = await serveWatchdog(t, '[ "$Http_Path" = /up ] && [ -e up ]', {
    ready_path: '/up',
    max_inflight: '1',
  });
  assert.equal((await fetch(`${url}/_/ready`)).status, 500);
  writeFileSync(join(dir, 'up'), '');
  assert.equal((await fetch(`${url}/_/ready`)).status, 200);
  assert.doesNotMatch(await metrics(), /http_requests_total\{/);
  assert.doesNotMatch(stderr(), /Forking|GET/);
});

test('metrics count calls by status and method, as of-watchdog names them', async (t) => {
  const { url, metrics } = await serveWatchdog(t, '[ "$Http_Path" != /bad ]');
  await fetch(url);
  await fetch(url, { method: 'POST', body: 'x' });
  await fetch(`${url}/bad`);
  await until('all three', async () => (await metrics()).includes('code="500"'));
  const text = await metrics();
  for (const line of [
    'http_requests_total{code="200",method="get"} 1',
    'http_requests_total{code="200",method="post"} 1',
    'http_requests_total{code="500",method="get"} 1',
    'http_request_duration_seconds_bucket{code="200",method="get",le="+Inf"} 1',
    'http_request_duration_seconds_count{code="500",method="get"} 1',
    'http_requests_in_flight 0',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
});

test('prefix_logs, log_buffer_size and log_callid shape the log', async (t) => {
  covers('variable', 'of-watchdog prefix_logs', 'of-watchdog log_buffer_size', 'of-watchdog log_callid');
  const script = 'echo 123456789 >&2; printf open >&2';
  const plain = await serveWatchdog(t, script, {
    mode: 'streaming',
    prefix_logs: 'false',
    log_buffer_size: '4',
    log_callid: '1',
  });
  await (await fetch(plain.url, { headers: { 'X-Call-Id': 'call-7' } })).text();
  await until('the log', () => /GET \/ - 200 OK - ContentLength: 0B \(\d\.\d{4}s\) \[call-7\]\n/.test(plain.stderr()));
  assert.match(plain.stderr(), /^1234\n5678\n9\nopen\n/m);
  const long = await serveWatchdog(t, 'head -c 300000 /dev/zero | tr "\\0" x >&2', {
    mode: 'streaming',
    log_buffer_size: '-1',
  });
  await (await fetch(long.url, { headers: { 'user-agent': 'kube-probe/1.2' } })).text();
  await until('the line', () => / stderr: x{300000}\n/.test(long.stderr()));
  assert.doesNotMatch(long.stderr(), /GET/);
});

test('write_debug prints answers, debug_headers prints headers', async (t) => {
  covers('variable', 'classic-watchdog write_debug', 'classic-watchdog debug_headers');
  const { url, stdout, stderr } = await serveWatchdog(t, 'echo said', { write_debug: 'true', debug_headers: 'true' });
  await (await fetch(url, { headers: { 'X-One': '1' } })).text();
  assert.match(stdout(), /\[in\] x-one=\[1\]\n[^]*\[out\] X-Duration-Seconds=\[[^]*said\n/i);
  await until('the log', () => /\d Duration: \d/.test(stderr()));
});

test('sizes have four digits at most', () => {
  assert.deepEqual([12, 999, 1234, 1_000_000, 3_456_789].map(formatHumanSize), [
    '12B',
    '999B',
    '1.234kB',
    '1MB',
    '3.457MB',
  ]);
});

test('a request that does not arrive within read_timeout is 408', async (t) => {
  covers('variable', 'classic-watchdog read_timeout', 'of-watchdog read_timeout');
  const { watchdog } = await serveWatchdog(t, 'cat', { read_timeout: '300ms' });
  const socket = connect(watchdog.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  await once(socket, 'close');
  assert.match(answer, /^HTTP\/1\.1 408/);
});

test('a variable that cannot be meant is refused, with its name, its value and what it may be', async (t) => {
  covers('variable', 'of-watchdog function_process');
  differs('variable', 'classic-watchdog jwt_auth', 'refused, saying why: tokens are not checked here');
  differs('variable', 'of-watchdog jwt_auth', 'refused, saying why: tokens are not checked here');
  notApplicable('variable', 'classic-watchdog jwt_auth_debug', 'tokens are not checked here');
  notApplicable('variable', 'classic-watchdog jwt_auth_local', 'tokens are not checked here');
  notApplicable('variable', 'of-watchdog jwt_auth_debug', 'tokens are not checked here');
  notApplicable('variable', 'of-watchdog jwt_auth_local', 'tokens are not checked here');
  const cases: readonly [string, string, RegExp][] = [
    ['port', 'http', /port "http" is not a whole number from 0 to 65535/],
    ['read_timeout', 'soon', /read_timeout "soon" is not a duration such as 30s/],
    ['exec_timeout', '48h', /exec_timeout "48h" is above the maximum of 24h/],
    ['healthcheck_interval', '1x', /healthcheck_interval "1x"/],
    ['max_inflight', '-1', /max_inflight "-1"/],
    ['combine_output', 'maybe', /combine_output "maybe" is neither true nor false/],
    ['log_buffer_size', 'big', /log_buffer_size "big"/],
    ['ready_path', 'up', /ready_path "up" is not a path/],
    ['content_type', 'a\nb', /content_type "a\\nb" cannot be/],
    ['jwt_auth', 'true', /jwt_auth is set, and this watchdog does not check tokens/],
    ['fprocess', '', /fprocess is not set: mode "classic" needs a program/],
    ['fprocess', 'sh -c "echo', /fprocess .* has a quote/],
    ['fprocess', 'no-such-program', /"no-such-program" was not found/],
  ];
  for (const [name, value, message] of cases) {
    await assert.rejects(serveWatchdog(t, 'cat', { [name]: value }), { name: 'TinderboxError', message });
  }
  const quoted = await serveWatchdog(t, '', { fprocess: '', function_process: `sh -c 'echo "two  words"'` });
  assert.equal(await (await fetch(quoted.url)).text(), 'two  words\n');
});

test('a port that is taken is named with the variable that sets it', async (t) => {
  covers('variable', 'classic-watchdog port', 'of-watchdog port');
  const { watchdog } = await serveWatchdog(t, 'cat');
  const taken = { port: String(watchdog.port) };
  await assert.rejects(serveWatchdog(t, 'cat', taken), { code: 'conflict', message: /port \d+ for calls/ });
  const metrics = { metrics_port: String(watchdog.metricsPort) };
  await assert.rejects(serveWatchdog(t, 'cat', metrics), { code: 'conflict', message: /port \d+ for metrics/ });
});

test('a call that outlasts write_timeout is cut off when the watchdog stops, and told of', async (t) => {
  const { url, dir, watchdog } = await serveWatchdog(t, 'echo $$ > pid; exec sleep 60', { write_timeout: '10s' });
  const cut = fetch(url).then(
    () => 'answered',
    () => 'cut',
  );
  await until('it runs', () => existsSync(join(dir, 'pid')) && readFileSync(join(dir, 'pid'), 'utf8').endsWith('\n'));
  assert.equal(await watchdog.stop(AbortSignal.timeout(100)), 1);
  assert.equal(await cut, 'cut');
  const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
  await until('its process is gone', () => !existsSync(`/proc/${pid}`));
});

interface Started {
  readonly child: ChildProcess;
  readonly dir: string;
  readonly url: string;
  readonly log: () => string;
  readonly exited: Promise<unknown[]>;
}

/** The command as it is called, in a process of its own. */
async function start(t: TestContext, env: Readonly<Record<string, string>>): Promise<Started> {
  const dir = tempDir(t);
  const main = join(import.meta.dirname, '../../../../bin/tinderbox.mjs');
  const child = spawn(process.execPath, [main, 'watchdog', '--host', '127.0.0.1'], {
    cwd: dir,
    env: { PATH: '/usr/bin:/bin', HOME: dir, TMPDIR: dir, port: '0', metrics_port: '0', ...env },
  });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let log = '';
  child.stderr.on('data', (bytes: Buffer) => (log += bytes.toString()));
  const port = await until('it listens', () => /Listening on port: (\d+)/.exec(log)?.[1], 30_000);
  return { child, dir, url: `http://127.0.0.1:${port}`, log: () => log, exited };
}

test('SIGTERM: not healthy at once, still serving, then every call that began is finished', async (t) => {
  covers('variable', 'classic-watchdog healthcheck_interval', 'of-watchdog healthcheck_interval');
  const script =
    'if [ "$Http_Path" = /quick ]; then echo quick; exit; fi; touch began; until [ -e go ]; do sleep 0.05; done; echo slow';
  const { child, dir, url, log, exited } = await start(t, {
    function_process: `sh -c '${script}'`,
    healthcheck_interval: '2s',
  });
  const slow = fetch(url).then((response) => response.text());
  await until('it began', () => existsSync(join(dir, 'began')));
  child.kill('SIGTERM');
  await until('not healthy', async () => (await fetch(`${url}/_/health`)).status === 503);
  assert.ok(!existsSync(join(dir, '.lock')));
  assert.equal(await (await fetch(`${url}/quick`)).text(), 'quick\n');
  await until('it drains', () => log().includes('draining: 1 requests'));
  writeFileSync(join(dir, 'go'), '');
  assert.equal(await slow, 'slow\n');
  assert.deepEqual(await exited, [0, null]);
  assert.match(log(), /Exiting\. Active connections: 0\n$/);
});

test('--run-healthcheck tells by its exit code, with one dash as well, as Docker files have it', async (t) => {
  const { dir } = await start(t, { fprocess: 'cat' });
  const main = join(import.meta.dirname, '../../../../bin/tinderbox.mjs');
  const check = async (flag: string, tmp: string): Promise<unknown> => {
    const env = { PATH: '/usr/bin:/bin', HOME: dir, TMPDIR: tmp };
    const [code] = await once(spawn(process.execPath, [main, 'watchdog', flag], { env }), 'exit');
    return code;
  };
  const elsewhere = tempDir(t);
  for (const flag of ['--run-healthcheck', '-run-healthcheck']) {
    assert.deepEqual([await check(flag, dir), await check(flag, elsewhere)], [0, 1], flag);
  }
});

test('-version prints the version of the program and serves nothing', async (t) => {
  const bare = { PATH: '/usr/bin:/bin', HOME: tempDir(t) };
  const main = join(import.meta.dirname, '../../../../bin/tinderbox.mjs');
  for (const flag of ['-version', '--version']) {
    const child = spawn(process.execPath, [main, 'watchdog', flag], { env: bare });
    assert.match(await text(child.stdout), /^\d+\.\d+\.\d+\n$/, flag);
  }
});

test('a program of mode http that ends takes the command with it', async (t) => {
  const { exited, log } = await start(t, { fprocess: 'sleep 0.2', mode: 'http', upstream_url: 'http://127.0.0.1:9' });
  const [code] = await exited;
  assert.equal(code, 6);
  assert.match(log(), /the function's program is gone: it ended with exit status 0/);
});

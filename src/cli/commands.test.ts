import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { createBench, hello } from '../../test/support/command-bench.ts';
import { notApplicable } from '../../test/support/covers.ts';

test('describe shows status, settings, revisions and the protections in force', async (t) => {
  const { run, state, url } = await createBench(t);
  state.functions.set('hello', { ...hello, limits: { memory: '128Mi' }, secrets: ['key'] });
  state.revisions.set('hello', [
    { id: 'openfaas-fn/hello-00001', state: 'ready', serving: true, createdAt: '', image: 'hello:latest' },
    {
      id: 'openfaas-fn/hello-00002',
      state: 'failed',
      failure: 'exited\nline',
      serving: false,
      createdAt: '',
      image: '',
    },
  ]);
  const { stdout } = await run('describe hello');
  assert.equal(
    stdout,
    `Name:               hello
Status:             Ready
Replicas:           1
Available Replicas: 1
Invocations:        7
Image:              hello:latest
Function Process:   <default>
URL:                ${url}/function/hello
Async URL:          ${url}/async-function/hello
Labels:
 faas_function: hello
Annotations:
 topic: a
Secrets:
 - key
Limits:
 CPU: 
 Memory: 128Mi
Namespace:    openfaas-fn
State:        running
Created:      2026-01-02T03:04:05Z
Revisions:    openfaas-fn/hello-00002 failed
              openfaas-fn/hello-00001 ready, serving
Last failure: exited
              line
Instances:    hello-00001-abc ready
Protections:  uid 200001, cgroup v1, memory limit by cgroup, no new privileges, mount namespace, network host
              missing: pid namespace: bubblewrap is not installed
`,
  );
  const verbose = (await run('describe hello -v')).stdout;
  assert.match(verbose, /\nConstraints:  <none>\nEnvironment:  <none>\nSecrets:\n - key\nRequests:  <none>\nLimits:\n/);
  assert.match(verbose, /\n Memory: 128Mi\nUsage:  <none>\n/);
  const data = JSON.parse((await run('describe hello -j')).stdout) as Record<string, unknown>;
  assert.deepEqual([data['status'], data['asyncUrl']], ['Ready', `${url}/async-function/hello`]);
  assert.equal((await run('describe hello -o jsonpath={.limits.memory}')).stdout, '128Mi\n');
});

test('describe tells what keeps a function that was deployed well from running', async (t) => {
  const { run, state } = await createBench(t);
  state.functions.set('hello', hello);
  state.replicas.set('hello', 0);
  const [id, failure] = ['openfaas-fn/hello-00001', 'its secret "key" is not there any more'];
  state.revisions.set('hello', [
    { id, state: 'ready', failure, serving: true, createdAt: '', image: 'hello:latest' },
    { id: 'openfaas-fn/hello-00002', state: 'failed', failure: 'typo', serving: false, createdAt: '', image: '' },
  ]);
  const { stdout } = await run('describe hello');
  assert.match(stdout, /^State: +cannot start$/m);
  assert.match(stdout, /^Last failure: its secret "key" is not there any more$/m);
});

test('describe shows what would steer the terminal and does not do it', async (t) => {
  const { run, state } = await createBench(t);
  const labels = { 'a\u001b[2J': 'b\u009b31m\rc' };
  state.functions.set('hello', { ...hello, labels, envProcess: 'cat \u001b]0;title\u0007' });
  const { stdout } = await run('describe hello');
  assert.ok(stdout.includes('\n a\\x1b[2J: b\\x9b31m\\x0dc\n'), stdout);
  assert.ok(stdout.includes('cat \\x1b]0;title\\x07\n'), stdout);
});

test('a function that is not there is told of with the name that is nearest, or the way to find it', async (t) => {
  const { run, state } = await createBench(t);
  state.functions.set('hello', { service: 'hello', image: 'hello:1' });
  state.reply = (_, response) => response.writeHead(404, { 'x-openfaas-internal': 'gateway' }).end();
  for (const [command, what] of [
    ['describe', 'function NAME not found'],
    ['logs', 'function NAME not found'],
    ['scale', 'function NAME not found'],
    ['remove', 'there is no function NAME in namespace openfaas-fn'],
    ['invoke', 'the platform answered for NAME with status 404'],
  ] as const) {
    for (const [name, meant] of [
      ['helo', 'did you mean "hello"? '],
      ['nope', ''],
    ]) {
      const { exitCode, stderr } = await run(`${command} ${name}${command === 'scale' ? ' 1' : ''}`);
      const told = `error: ${what.replace('NAME', name ?? '')}\nhint: ${meant}tinderbox list shows what there is\n`;
      assert.deepEqual([exitCode, stderr], [3, told], command);
    }
  }
});

test('instances shows each running copy', async (t) => {
  const { run } = await createBench(t);
  assert.match(
    (await run('instances hello')).stdout,
    /^Instance +Revision +State +PID +Age\nhello-00001-abc +openfaas-fn\/hello-00001 +ready +4711 /,
  );
  assert.match((await run('instances -o wide')).stdout, /Concurrency +Pooled +Reason\n.* 100 +yes\n/);
});

test('invoke sends stdin with its length and prints the answer as it is', async (t) => {
  const { run, state } = await createBench(t);
  const { exitCode, stdout, stderr } = await run('invoke hello --query a=b&c -H X-A:1 -H X-B=2 --path sub', {
    stdin: 'hi\n',
  });
  assert.deepEqual([exitCode, stdout, stderr], [0, 'hi\n', '']);
  const [call] = state.calls;
  assert.deepEqual([call?.method, call?.url], ['POST', '/function/hello.openfaas-fn/sub?a=b%26c']);
  assert.deepEqual(
    ['content-type', 'content-length', 'x-a', 'x-b', 'authorization'].map((name) => call?.headers[name]),
    ['text/plain', '3', '1', '2', undefined],
  );
});

test('invoke queues a call, and signs one, on request', async (t) => {
  const { run, state, cwd } = await createBench(t);
  state.reply = (_, response) => response.writeHead(202, { 'X-Call-Id': 'c-1' }).end();
  const queued = await run('invoke hello -a', { stdin: 'hi' });
  assert.deepEqual([queued.exitCode, queued.stderr], [0, 'Function submitted asynchronously.\nIts call id is c-1.\n']);
  assert.equal(state.calls[0]?.url, '/async-function/hello.openfaas-fn');
  await run('invoke hello --sign X-Sig --key k', { stdin: 'hi' });
  const expected = createHmac('sha256', 'k').update('hi').digest('hex');
  assert.equal(state.calls[1]?.headers['x-sig'], `sha256=${expected}`);
  assert.match((await run('invoke hello --sign X-Sig')).stderr, /needs both --sign HEADER and --key KEY/);
  await run('invoke hello --auth --token abc');
  assert.equal(state.calls[2]?.headers.authorization, 'Bearer abc');
  assert.equal((await run('invoke hello --auth')).exitCode, 4);
  writeFileSync(join(cwd, 'stack.yaml'), 'functions:\n  hello: {handler: ., namespace: team}\n');
  await run('invoke hello');
  assert.equal(state.calls[3]?.url, '/function/hello.team');
});

test('input that pauses is passed on as it comes', async (t) => {
  const { run, state } = await createBench(t);
  const stdin = new Readable({ read() {} });
  stdin.push('one ');
  const running = run('invoke hello', { stdin });
  setTimeout(() => stdin.push('two'), 300).unref();
  setTimeout(() => stdin.push(null), 320).unref();
  assert.equal((await running).stdout, 'one two');
  assert.equal(state.calls[0]?.headers['transfer-encoding'], 'chunked');
});

test('an answer outside 2xx is printed, told on stderr and fails', async (t) => {
  const { run, state } = await createBench(t);
  state.reply = (_, response) => response.writeHead(500, { 'x-call-id': 'abc' }).end('oops');
  const failed = await run('invoke hello');
  assert.deepEqual([failed.exitCode, failed.stdout], [1, 'oops']);
  assert.match(failed.stderr, /^error: hello answered with status 500 \(call abc\)\nhint: tinderbox logs hello/);
  state.reply = (_, response) => response.writeHead(404, { 'x-openfaas-internal': 'gateway' }).end('no hello');
  assert.equal((await run('invoke hello')).exitCode, 3);
});

test('logs are printed in three forms, without letting them speak to the terminal', async (t) => {
  const { run, state } = await createBench(t);
  const line = {
    name: 'hello',
    namespace: 'openfaas-fn',
    instance: 'i1',
    timestamp: '2026-01-02T03:04:05.006Z',
    stream: 'stdout',
  };
  state.logs.push({ ...line, text: 'first' }, { ...line, text: 'red \u001b[31m\ttext\n', callId: 'c1' });
  assert.equal(
    (await run('logs hello')).stdout,
    '2026-01-02T03:04:05.006Z first\n2026-01-02T03:04:05.006Z red \\x1b[31m\ttext\n',
  );
  assert.match(
    (await run('logs hello --lines 1 -o keyvalue')).stdout,
    /^timestamp="2026-01-02T03:04:05.006Z" text="red \\u001b\[31m\\ttext"\n$/,
  );
  assert.deepEqual(JSON.parse((await run('logs hello --lines 1 -o json')).stdout), state.logs[1]);
  assert.equal(
    (await run('logs hello --lines 2 --name --instance --time-format RFC1123 --follow=false')).stdout,
    'Fri, 02 Jan 2026 03:04:05 UTC hello (i1) first\nFri, 02 Jan 2026 03:04:05 UTC hello (i1) red \\x1b[31m\ttext\n',
  );
  assert.equal(
    (await run('logs hello --time-format= --lines -1 --tail=false --instance-id i1')).stdout.split('\n')[0],
    'first',
  );
  assert.equal((await run('logs hello --lines 1 -j')).stdout, `${JSON.stringify(state.logs[1])}\n`);
  assert.equal((await run('logs hello --since-time 2026-01-01T00:00:00Z')).exitCode, 0);
  assert.equal((await run('logs hello --since-time 5m')).exitCode, 2);
  assert.equal((await run('logs hello --since 5m --since-time 2026-01-01T00:00:00Z')).exitCode, 2);
  assert.equal((await run('logs hello --since yesterday')).exitCode, 2);
  assert.equal((await run('logs hello --lines many')).exitCode, 2);
});

test('following a log ends with the interrupt and says nothing more', async (t) => {
  const { run, state } = await createBench(t);
  state.logs.push({ name: 'hello', instance: 'i', timestamp: 't', text: 'x' });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 200).unref();
  const { exitCode, stdout, stderr } = await run('logs hello -t', { signal: stop.signal });
  assert.deepEqual([exitCode, stdout, stderr], [130, 't x\n', '']);
});

test('scale and remove answer for functions that are there and those that are not', async (t) => {
  const { run, state } = await createBench(t);
  state.functions.set('hello', hello);
  assert.equal((await run('scale hello 3')).stdout, 'Scaled hello to 3.\n');
  assert.match((await run('scale hello 99')).stdout, /^Scaled hello to 20, as near to 99 as /);
  assert.equal((await run('scale nope 3')).exitCode, 3);
  assert.equal((await run('scale hello -- -1')).exitCode, 2);
  assert.equal((await run('remove hello')).stdout, 'Removed hello.\n');
  state.functions.set('hello', { ...hello, namespace: 'team' });
  assert.equal((await run('remove hello.team')).stdout, 'Removed hello.team.\n');
  const again = await run('remove hello other');
  assert.equal(again.exitCode, 3);
  assert.match(again.stderr, /no function hello in namespace openfaas-fn\nthere is no function other/);
});

test('remove without names takes the functions of the stack file', async (t) => {
  const { run, state, cwd } = await createBench(t);
  state.functions.set('hello', hello).set('other', hello);
  writeFileSync(join(cwd, 'stack.yaml'), 'functions:\n  hello: {handler: .}\n  other: {handler: .}\n');
  assert.equal((await run('remove --filter h*')).stdout, 'Removed hello.\n');
  assert.deepEqual([...state.functions.keys()], ['other']);
});

test('namespaces are made with the mark of OpenFaaS, listed and removed', async (t) => {
  const { run } = await createBench(t);
  assert.equal((await run('namespace create team -l a=b')).stdout, 'Created namespace team.\n');
  assert.equal((await run('namespace create team')).exitCode, 5);
  assert.equal((await run('namespace list')).stdout, 'Namespace\nopenfaas-fn\nteam\n');
  assert.equal(
    (await run('namespace get team')).stdout,
    'Name: team\nLabels:\n a: b\n openfaas: 1\nAnnotations: <none>\n',
  );
  assert.equal((await run('namespace update team -l c=d --annotation e=f')).stdout, 'Updated namespace team.\n');
  assert.equal((await run('namespace get team -o jsonpath={.labels.c}')).stdout, 'd\n');
  assert.equal((await run('namespace get nope')).exitCode, 3);
  assert.equal((await run('namespace remove team')).exitCode, 0);
});

test('version names this program and the platform, or why there is none', async (t) => {
  const { run } = await createBench(t);
  assert.match(
    (await run('version')).stdout,
    /^tinderbox \d+\.\d+\.\d+ \(Node .*\)\nplatform: 0\.1\.0 \(abc\), x86_64\nprovider: tinderbox 0\.1\.0, engine process\n$/,
  );
  assert.match((await run('version --short')).stdout, /^\d+\.\d+\.\d+\n$/);
  assert.match((await run('version --short-version --warn-update=false')).stdout, /^\d+\.\d+\.\d+\n$/);
  assert.match((await run('version -j')).stdout, /"cli": \{/);
  assert.match((await run('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  assert.match((await run('version', { env: { OPENFAAS_URL: 'http://127.0.0.1:9' } })).stdout, /platform: /);
});

test('a mistake on the command line is told with a hint and exit code 2', async (t) => {
  const { run } = await createBench(t);
  const unknown = await run('lst');
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.stderr, /^error: unknown command 'lst'\n\(Did you mean one of list, ls\?\)\nhint: /);
  assert.equal((await run('list --nope')).exitCode, 2);
  assert.equal((await run('describe')).exitCode, 2);
  assert.equal((await run('describe Not_A_Name')).exitCode, 2);
  assert.equal((await run('list -f nope.yaml')).exitCode, 3);
  assert.equal((await run('list -g not%20a%20url://x')).exitCode, 2);
  assert.equal((await run('help list')).exitCode, 0);
});

test('what is for OpenFaaS’s own charts alone is no command', async (t) => {
  notApplicable('command', 'chart export', 'writes the Helm charts that OpenFaaS itself is installed from');
  const { run } = await createBench(t);
  const { exitCode, stderr } = await run('chart export');
  assert.equal(exitCode, 2);
  assert.match(stderr, /unknown command 'chart'/);
});

test('a stack shows only where it is asked for', async (t) => {
  const { run, cwd } = await createBench(t);
  writeFileSync(join(cwd, 'stack.yaml'), 'nonsense: true\n');
  const plain = await run('list');
  assert.match(plain.stderr, /^error: stack\.yaml has 2 problems:\n {2}stack\.yaml:1:1: /);
  assert.doesNotMatch(plain.stderr, /\n {4}at /);
  assert.match((await run('list', { env: { TINDERBOX_DEBUG: '1' } })).stderr, /\n {4}at /);
});

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { fakeLogin, type FakePlatform, startFakePlatform } from './testing/fake-platform.ts';
import { type CliRun, runInTest, type TestShellOptions } from './testing/test-shell.ts';
import { covers } from '../../test/support/covers.ts';

interface Bench extends FakePlatform {
  readonly cwd: string;
  readonly run: (words: readonly string[], options?: Partial<TestShellOptions>) => Promise<CliRun>;
}

const stack = `functions:
  hello:
    lang: node22
    handler: ./hello
    image: \${PREFIX:-}hello
    environment: {A: 1, B: inline}
    environment_file: [env.yml]
    labels: {x: true}
    build_args: {K: v}
  count:
    lang: exec
    handler: ./count
    fprocess: wc -w
    environment: {mode: fork}
    namespace: team
`;

async function createBench(t: TestContext): Promise<Bench> {
  const platform = await startFakePlatform(t);
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'password'), fakeLogin.password);
  writeFileSync(join(cwd, 'stack.yaml'), stack);
  writeFileSync(join(cwd, 'env.yml'), 'environment:\n  B: file\n  C: 3\n');
  for (const name of ['hello', 'count']) mkdirSync(join(cwd, name));
  writeFileSync(join(cwd, 'hello', 'handler.js'), 'module.exports = async () => "hi"');
  writeFileSync(join(cwd, 'count', 'README'), 'counts');
  const env = { OPENFAAS_URL: platform.url, TINDERBOX_DATA_DIR: cwd };
  const run = (words: readonly string[], options: Partial<TestShellOptions> = {}): Promise<CliRun> =>
    runInTest(words, { cwd, ...options, env: { ...env, ...options.env } });
  return { ...platform, cwd, run };
}

test('deploy builds, deploys, follows the rollout and prints where the function is', async (t) => {
  const { run, state, url } = await createBench(t);
  const { exitCode, stdout, stderr } = await run([
    'deploy',
    '-f',
    'stack.yaml',
    '--filter',
    'hello',
    '-e',
    'C=flag',
    '--secret',
    's',
  ]);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stdout, `URL: ${url}/function/hello\n`);
  assert.deepEqual(stderr.replace(/\d+\.\d s/g, 'N s').split('\n'), [
    'hello: building hello:latest',
    'hello: installing',
    'hello: done installing',
    'hello: built hello:latest in N s',
    'hello: deploying hello:latest',
    'hello: openfaas-fn/hello-00001 is ready, N s',
    '',
  ]);
  assert.deepEqual(state.builds, [
    {
      config: { image: 'hello:latest', namespace: 'openfaas-fn', buildArgs: { K: 'v' }, lang: 'node22' },
      files: { 'context/handler.js': 'module.exports = async () => "hi"' },
    },
  ]);
  assert.deepEqual(state.functions.get('hello'), {
    service: 'hello',
    image: 'hello:latest',
    namespace: 'openfaas-fn',
    envVars: { A: '1', B: 'file', C: 'flag' },
    secrets: ['s'],
    labels: { x: 'true' },
    annotations: {},
  });
});

test('a program is built with its command line and mode, and is addressed with its namespace', async (t) => {
  const { run, state, url } = await createBench(t);
  const { stdout } = await run(['deploy', '--regex', '^count$', '--no-cache', '-b', 'X=1']);
  assert.equal(stdout, `URL: ${url}/function/count.team\n`);
  assert.deepEqual(state.builds[0]?.config, {
    image: 'count:latest',
    namespace: 'team',
    buildArgs: { X: '1' },
    lang: 'exec',
    process: 'wc -w',
    mode: 'fork',
    noCache: true,
  });
  assert.equal(state.functions.get('count')?.envProcess, 'wc -w');
});

test('build alone deploys nothing, and several run at once', async (t) => {
  covers('command', 'build');
  const { run, state } = await createBench(t);
  assert.equal((await run(['build', '--parallel', '2'])).exitCode, 0);
  assert.deepEqual(state.builds.map(({ config }) => config['image']).sort(), ['count:latest', 'hello:latest']);
  assert.equal(state.functions.size, 0);
});

test('a failed build deploys nothing and ends with 8, its log printed', async (t) => {
  const { run, state } = await createBench(t);
  // What the log showed is not said once more.
  state.buildFailure = 'npm ci: no package-lock.json\ndone installing';
  const plain = await run(['deploy', '--filter', 'hello']);
  assert.equal(plain.exitCode, 8);
  assert.match(
    plain.stderr,
    /hello: done installing\nhello: the build failed\nerror: npm ci: no package-lock\.json\n$/,
  );
  const live = await run(['deploy', '--filter', 'hello'], { tty: true });
  assert.match(live.stderr, / {2}installing\n {2}done installing\nhello: the build failed\n/);
  const both = await run(['build']);
  assert.equal(both.exitCode, 8);
  assert.match(both.stderr, /error: 2 functions failed:\n {2}hello: npm ci.*\n {2}count: npm ci/);
  assert.equal(state.functions.size, 0);
});

test('a function that cannot be deployed stops no other', async (t) => {
  const { run, state, cwd, url } = await createBench(t);
  writeFileSync(join(cwd, 'stack.yaml'), `${stack}  gone: {handler: ./gone, lang: node}\n`);
  const { exitCode, stdout, stderr } = await run(['deploy']);
  assert.equal(exitCode, 3);
  assert.equal(stdout, `URL: ${url}/function/hello\nURL: ${url}/function/count.team\n`);
  assert.match(stderr, /gone: the build failed\nerror: there is no source at/);
  assert.deepEqual([...state.functions.keys()], ['hello', 'count']);
});

test('a revision that does not start ends with 9, its reason and the last log lines', async (t) => {
  const { run, state } = await createBench(t);
  state.outcome = { state: 'failed', failure: 'exited with code 1 after 20 ms' };
  state.logs.push({ name: 'hello', instance: 'i', timestamp: 't', text: 'Error: boom' });
  const { exitCode, stdout, stderr } = await run(['deploy', '--skip-build', '--filter', 'hello']);
  assert.deepEqual([exitCode, stdout], [9, '']);
  assert.match(
    stderr,
    /hello: not deployed\nerror: openfaas-fn\/hello-00001 does not start: exited with code 1 after 20 ms\nlast lines of its log:\n {2}t \(i\) Error: boom\nhint: /,
  );
  assert.equal(state.builds.length, 0);
});

test('a rollout that takes too long is told, and need not be waited for', async (t) => {
  const { run, state } = await createBench(t);
  state.outcome = { state: 'pending' };
  const late = await run(['deploy', '--image', 'x:1', '--name', 'x', '--timeout', '200ms']);
  assert.equal(late.exitCode, 7);
  assert.match(late.stderr, /openfaas-fn\/x-00001 is pending after 0\.2 s/);
  assert.equal((await run(['deploy', '--image', 'x:1', '--name', 'x', '--timeout', '0'])).exitCode, 0);
});

test('an image is deployed by name without a stack file', async (t) => {
  const { run, state } = await createBench(t);
  const words = [
    'deploy',
    '--image',
    'team/x',
    '--name',
    'x',
    '-l',
    'a=b=c',
    '--annotation',
    'topic=t',
    '--memory-limit',
    '64Mi',
  ];
  assert.equal((await run([...words, '--fprocess', 'cat', '-n', 'team'])).exitCode, 0);
  assert.deepEqual(state.functions.get('x'), {
    service: 'x',
    image: 'team/x:latest',
    namespace: 'team',
    envProcess: 'cat',
    secrets: [],
    labels: { a: 'b=c' },
    annotations: { topic: 't' },
    limits: { memory: '64Mi' },
  });
  assert.match((await run(['deploy', '--image', 'x'])).stderr, /both --image and --name are needed/);
});

test('a single file is deployed under its own name, in the language of its ending', async (t) => {
  const { run, state, cwd } = await createBench(t);
  writeFileSync(join(cwd, 'wordCount.py'), 'def handle(req): return req');
  writeFileSync(join(cwd, 'it is.sh'), 'wc -w');
  assert.equal((await run(['deploy', 'wordCount.py'])).exitCode, 0);
  assert.deepEqual(state.builds[0], {
    config: { image: 'wordcount:latest', namespace: 'openfaas-fn', buildArgs: {}, lang: 'python' },
    files: { 'context/wordCount.py': 'def handle(req): return req' },
  });
  await run(['deploy', 'it is.sh', '--name', 'script']);
  assert.deepEqual([state.builds[1]?.config['lang'], state.builds[1]?.config['process']], ['exec', "sh './it is.sh'"]);
  chmodSync(join(cwd, 'it is.sh'), 0o755);
  await run(['deploy', 'it is.sh']);
  assert.equal(state.builds[2]?.config['process'], "'./it is.sh'");
  assert.ok(state.functions.has('it-is'));
});

test('a file that cannot be a function is refused before anything is sent', async (t) => {
  const { run, state, cwd } = await createBench(t);
  writeFileSync(join(cwd, '___.py'), '');
  assert.match((await run(['deploy', 'main.rs'])).stderr, /its name ends in "\.rs"\nhint: known endings: \.js/);
  writeFileSync(join(cwd, 'word-count.py'), '');
  const near = await run(['deploy', 'wrod-count.py']);
  assert.deepEqual(
    [near.exitCode, near.stderr],
    [3, 'error: there is no file wrod-count.py\nhint: did you mean "word-count.py"?\n'],
  );
  const missing = await run(['deploy', 'missing.py']);
  assert.equal(missing.exitCode, 3);
  assert.match(
    missing.stderr,
    /^error: there is no file missing\.py\nhint: give the path of a \.js, .* tinderbox deploy -f/,
  );
  assert.equal((await run(['deploy', '___.py'])).exitCode, 2);
  assert.equal(state.builds.length, 0);
});

test('what is wrong around a stack file is told with what to do', async (t) => {
  const { run, cwd } = await createBench(t);
  assert.match(
    (await run(['deploy', '--filter', 'nope*'])).stderr,
    /no function of stack\.yaml fits nope\*\nhint: it has: hello, count/,
  );
  assert.match((await run(['deploy', '--filter', 'a', '--regex', 'b'])).stderr, /exclude each other/);
  assert.match((await run(['deploy', '--regex', '('])).stderr, /is not a regular expression/);
  assert.match((await run(['deploy', '-e', 'NOEQUALS'])).stderr, /"NOEQUALS" is not of the form KEY=VALUE/);
  assert.match((await run(['deploy'], { cwd: join(cwd, 'hello') })).stderr, /there is no stack\.yaml or stack\.yml/);
  writeFileSync(join(cwd, 'env.yml'), 'environment: [x]\n');
  assert.match((await run(['deploy'])).stderr, /env\.yml:1:14: environment must be a map/);
  writeFileSync(join(cwd, 'stack.yaml'), 'functions:\n  a: {handler: ./nowhere, lang: node}\n');
  assert.equal((await run(['deploy'])).exitCode, 3);
});

test('a terminal sees one line per function, rewritten in place', async (t) => {
  const { run } = await createBench(t);
  const { stderr } = await run(['deploy', '--filter', 'hello'], { tty: true });
  assert.ok(stderr.includes('\x1b[1A\x1b[0J'));
  assert.match(stderr, /hello: openfaas-fn\/hello-00001 is ready, \d+\.\d s\n$/);
});

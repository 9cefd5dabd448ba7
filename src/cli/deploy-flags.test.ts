import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createBench } from '../../test/support/command-bench.ts';

const image = 'deploy --image x:1 --name x';

test('what an image is deployed with may be said by flags alone', async (t) => {
  const { run, state } = await createBench(t);
  const amounts = '--memory-limit 128Mi --cpu-limit 1 --memory-request 64Mi --cpu-request 100m';
  const done = await run(`${image} ${amounts} --constraint a=b --constraint c=d --readonly --secret s --network func`);
  assert.equal(done.exitCode, 0, done.stderr);
  assert.match(done.stderr, /warning: --network means nothing here/);
  const sent = state.functions.get('x');
  assert.ok(sent);
  const { limits, requests, constraints, readOnlyRootFilesystem, secrets } = sent;
  assert.deepEqual(
    { limits, requests, constraints, readOnlyRootFilesystem, secrets },
    {
      limits: { memory: '128Mi', cpu: '1' },
      requests: { memory: '64Mi', cpu: '100m' },
      constraints: ['a=b', 'c=d'],
      readOnlyRootFilesystem: true,
      secrets: ['s'],
    },
  );
});

test('a function that is there gets a revision, is refused, or is made anew', async (t) => {
  const { run, state } = await createBench(t);
  assert.equal((await run(`${image} --update=false`)).exitCode, 0);
  assert.equal((await run(image)).exitCode, 0);
  assert.equal(state.revisions.get('x')?.length, 2);
  const refused = await run(`${image} --no-update`);
  assert.deepEqual([refused.exitCode, refused.stderr.includes('x exists')], [5, true]);
  assert.equal((await run(`${image} --replace=true`)).exitCode, 0);
  assert.deepEqual(state.removed, ['x']);
});

test('a folder is built and deployed without a stack file', async (t) => {
  const { run, state, cwd } = await createBench(t);
  mkdirSync(join(cwd, 'src'));
  writeFileSync(join(cwd, 'src', 'run.sh'), 'cat');
  const words = '--fprocess cat --handler src --lang exec --name x --image team/x';
  const done = await run(`deploy ${words} --skip-build=false`);
  assert.equal(done.exitCode, 0, done.stderr);
  const { image: built, lang, process } = state.builds[0]?.config ?? {};
  assert.deepEqual([built, lang, process], ['team/x:latest', 'exec', 'cat']);
  assert.equal(state.functions.get('x')?.envProcess, 'cat');
  assert.equal((await run(`build ${words}`)).exitCode, 0);
  assert.match((await run('build --handler src')).stderr, /both --name and --handler are needed/);
});

test('the process of a template is deployed where it is asked for', async (t) => {
  const { run, state, cwd } = await createBench(t);
  mkdirSync(join(cwd, 'template', 'mine'), { recursive: true });
  writeFileSync(join(cwd, 'template', 'mine', 'template.yml'), 'language: node\nfprocess: node index.js\n');
  writeFileSync(join(cwd, 'stack.yaml'), 'functions:\n  hello: {lang: mine, handler: ., image: "hello:1"}\n');
  await run('deploy --image-only');
  assert.equal(state.functions.get('hello')?.envProcess, undefined);
  await run('deploy --image-only --read-template');
  assert.equal(state.functions.get('hello')?.envProcess, 'node index.js');
});

test('image names follow what git, or the source, says', async (t) => {
  const { run, state, cwd } = await createBench(t);
  mkdirSync(join(cwd, 'fn'));
  writeFileSync(join(cwd, 'fn', 'handler.js'), 'x');
  writeFileSync(join(cwd, 'stack.yaml'), 'functions:\n  hello: {lang: node, handler: ./fn, image: "team/hello:1"}\n');
  const env = { PATH: process.env['PATH'] ?? '' };
  const named = async (format: string): Promise<unknown> => {
    const done = await run(`build --tag ${format}`, { env });
    assert.equal(done.exitCode, 0, done.stderr);
    return state.builds.at(-1)?.config['image'];
  };
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@x', ...args], { cwd, encoding: 'utf8' }).trim();
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  assert.equal(await named('digest'), `team/hello:${md5(md5('x'))}`);
  assert.match(
    (await run('build --tag sha', { env })).stderr,
    /--tag sha needs a git repository.*\nhint: --tag digest/,
  );
  git('init', '-q', '-b', 'feature/a');
  git('add', 'fn');
  git('commit', '-qm', 'x');
  const sha = git('rev-parse', '--short', 'HEAD');
  assert.equal(await named('sha'), `team/hello:1-${sha}`);
  assert.equal(await named('branch'), `team/hello:1-feature-a-${sha}`);
  assert.equal(await named('describe'), `team/hello:1-${sha}`);
  git('tag', 'v2');
  assert.equal(await named('describe'), 'team/hello:1-v2');
  assert.equal(await named('latest'), 'team/hello:1');
  await run('deploy --tag sha', { env });
  assert.equal(state.functions.get('hello')?.image, `team/hello:1-${sha}`);
  assert.match(
    (await run('build --tag weekly')).stderr,
    /--tag "weekly" is not one of latest, sha, branch, describe, digest/,
  );
});

const fn = `schema_version: 20180708
name: hello
version: 0.0.3
runtime: node
entrypoint: node func.js
memory: 256
timeout: 30
idle_timeout: 60
config:
  GREETING: hi
annotations:
  team: web
triggers:
- name: t
  type: http
  source: /hello
`;

test("Fn's func.yaml is a function of one's own where there is no stack file", async (t) => {
  const { run, state, cwd } = await createBench(t);
  writeFileSync(join(cwd, 'func.yaml'), fn);
  writeFileSync(join(cwd, 'handler.js'), 'x');
  const done = await run('deploy --fprocess cat');
  assert.equal(done.exitCode, 0, done.stderr);
  assert.match(done.stderr, /^warning: func\.yaml:13:1: triggers means nothing here\n/);
  assert.deepEqual(state.functions.get('hello'), {
    service: 'hello',
    image: 'hello:0.0.3',
    namespace: 'openfaas-fn',
    envProcess: 'cat',
    envVars: { GREETING: 'hi', exec_timeout: '30s' },
    secrets: [],
    labels: { 'com.openfaas.scale.zero-duration': '60s' },
    annotations: { team: 'web' },
    limits: { memory: '256Mi' },
  });
  writeFileSync(join(cwd, 'func.yaml'), fn.replace('memory: 256', 'memory: lots'));
  assert.match((await run('deploy')).stderr, /func\.yaml:6:9: memory is "lots", not a whole number/);
  writeFileSync(join(cwd, 'func.yaml'), fn.replace('runtime: node', 'runtime: cobolt'));
  assert.match((await run('deploy')).stderr, /func\.yaml:4:10: lang "cobolt" is not known; did you mean "cobol"\?/);
  writeFileSync(join(cwd, 'func.yaml'), fn.replace('name: hello', 'nam: hello'));
  assert.match((await run('deploy')).stderr, /func\.yaml:2:1: unknown field "nam" at the top; did you mean "name"\?/);
});

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createBench, type Bench } from '../../test/support/command-bench.ts';
import { createSink } from './testing/test-shell.ts';
import { until } from '../../test/support/until.ts';
import { covers } from '../../test/support/covers.ts';

const stack = `functions:
  hello: {lang: node, handler: ./hello, image: "hello:1"}
  other: {lang: node, handler: ./other, image: "other:1"}
`;

async function createProject(t: TestContext): Promise<Bench> {
  const bench = await createBench(t);
  for (const name of ['hello', 'other']) {
    mkdirSync(join(bench.cwd, name));
    writeFileSync(join(bench.cwd, name, 'handler.js'), 'module.exports = 1');
  }
  writeFileSync(join(bench.cwd, 'stack.yaml'), stack);
  return bench;
}

const builtOf = ({ state }: Bench): readonly unknown[] => state.builds.map(({ config }) => config['image']);

test('with a stack file up builds, pushes and deploys, or leaves a step out', async (t) => {
  covers('command', 'up');
  const bench = await createProject(t);
  const { run, state } = bench;
  const up = await run('up -f stack.yaml --filter hello -e A=b');
  assert.equal(up.exitCode, 0, up.stderr);
  assert.deepEqual([builtOf(bench), [...state.functions.keys()]], [['hello:1'], ['hello']]);
  assert.deepEqual(state.functions.get('hello')?.envVars, { A: 'b' });
  state.functions.clear();
  assert.equal((await run('up --skip-deploy')).exitCode, 0);
  assert.deepEqual([state.builds.length, state.functions.size], [3, 0]);
  assert.equal((await run('up --skip-deploy --skip-push --parallel 2 --quiet')).exitCode, 0);
  assert.equal((await run('up --publish --extra-tag x --filter hello')).exitCode, 0);
  assert.deepEqual(builtOf(bench).slice(-2), ['hello:1', 'hello:x']);
  assert.deepEqual([...state.functions.keys()], ['hello']);
  assert.match((await run('up -f stack.yaml --shrinkwrap')).stdout, /hello shrink-wrapped to/);
});

test('up does not start a platform and deploy at once', async (t) => {
  const { run } = await createProject(t);
  const both = await run('up --port 0 -f stack.yaml');
  assert.equal(both.exitCode, 2);
  assert.match(
    both.stderr,
    /up does one or the other: --port starts the platform, --yaml deploys a stack file\nhint: /,
  );
});

test('watching, a change deploys the function it belongs to, and a mistake is told and mended', async (t) => {
  const bench = await createProject(t);
  const { run, state, cwd } = bench;
  const stop = new AbortController();
  const stderr = createSink();
  const watching = run('up --watch', { signal: stop.signal, stderr });
  await until('both are deployed', () => state.functions.size === 2);
  const change = async (what: string, write: () => void, seen: () => boolean): Promise<void> => {
    write();
    await until(what, seen);
  };
  const builds = (name: string): number => builtOf(bench).filter((image) => image === name).length;
  let version = 1;
  const save = (name: string): void => writeFileSync(join(cwd, name, 'handler.js'), `module.exports = ${++version}`);
  await change(
    'hello is built again',
    () => save('hello'),
    () => builds('hello:1') > 1,
  );
  assert.equal(builds('other:1'), 1);

  const replace = (): void => {
    writeFileSync(join(cwd, 'stack.next'), stack.replace('hello:1', 'hello:2'));
    renameSync(join(cwd, 'stack.next'), join(cwd, 'stack.yaml'));
  };
  await change('the new stack file is deployed', replace, () => state.functions.get('hello')?.image === 'hello:2');

  writeFileSync(join(cwd, 'stack.yaml'), 'functions: [\n');
  await until('the mistake is told', () => stderr.text().includes('error: stack.yaml has one problem:\n'));
  const before = builds('other:1');
  await change(
    'a broken file leaves the others watched',
    () => save('other'),
    () => builds('other:1') > before,
  );
  stop.abort();
  const { exitCode, stdout } = await watching;
  assert.equal(exitCode, 130);
  assert.match(stdout, /\[Watch\] 2 function\(s\); a change is deployed, Ctrl-C ends\n/);
  assert.match(stdout, /\[Watch\] hello changed\n/);
  assert.match(stdout, /\[Watch\] done in \d+ ms\n/);
});

test('watching goes on where a folder of the stack file is not there, and deploys it when it comes', async (t) => {
  const { run, state, cwd } = await createProject(t);
  const [stop, stderr] = [new AbortController(), createSink()];
  const file = join(cwd, 'mine.yaml');
  renameSync(join(cwd, 'stack.yaml'), file);
  const watching = run(`up --watch -f ${file}`, { signal: stop.signal, stderr });
  await until('both are deployed', () => state.functions.size === 2);
  writeFileSync(file, `${stack}  late: {lang: node, handler: ./late, image: "late:1"}\n`);
  await until('the lack is told', () => stderr.text().includes(`error: there is no source at "${join(cwd, 'late')}"`));
  mkdirSync(join(cwd, 'late'));
  writeFileSync(join(cwd, 'late', 'handler.js'), 'module.exports = 1');
  await until('it is deployed', () => state.functions.has('late'));
  stop.abort();
  assert.equal((await watching).exitCode, 130);
});

test('a stack without source has nothing to watch', async (t) => {
  const { run, cwd } = await createProject(t);
  writeFileSync(join(cwd, 'stack.yaml'), 'functions:\n  hello: {image: "hello:1"}\n');
  assert.match((await run('up --watch')).stderr, /there is no source to watch/);
});

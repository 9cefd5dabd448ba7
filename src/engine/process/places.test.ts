import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requirement } from '../../../test/support/require.ts';
import { testWorkload } from '../../../test/support/engine/test-workload.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { functionEnv, hasStartBoundEnv } from './function-env.ts';
import { assertSocketPathsFit, createInstanceFolder, instanceFolder } from './instance-folder.ts';
import { resolveMode, resolveProcess } from './launch-mode.ts';
import { parseListeners } from './listening-port.ts';
import { removeForeignTree } from '../../sandbox/remove-foreign-tree.ts';
import { SecretFiles } from '../../sandbox/secret-files.ts';
import { canUsePool, decidePoolSize } from './warm-pool.ts';

test('a run directory whose sockets would have too long a path is refused with the limit', () => {
  assert.throws(() => assertSocketPathsFit(`/${'d'.repeat(100)}`), { code: 'config', message: /limit is 107/ });
  assertSocketPathsFit('/run/tinderbox');
});

test('an instance folder can be passed by all, listed by nobody, and is removed whole', async (t) => {
  const folder = instanceFolder(tempDir(t), 'abcdefgh');
  createInstanceFolder(folder, undefined);
  assert.equal(statSync(folder.directory).mode & 0o777, 0o711);
  for (const path of folder.writable) assert.equal(statSync(path).mode & 0o777, 0o700);
  writeFileSync(join(folder.home, 'file'), 'x');
  await removeForeignTree(folder.directory);
  await removeForeignTree(folder.directory);
  assert.equal(existsSync(folder.directory), false);
});

test('what a function left is removed beside the calls of others when it is much, and links in it lead nowhere', async (t) => {
  const dir = tempDir(t);
  const folder = instanceFolder(dir, 'abcdefgh');
  createInstanceFolder(folder, undefined);
  mkdirSync(join(dir, 'elsewhere/kept'), { recursive: true });
  symlinkSync(join(dir, 'elsewhere'), join(folder.tmp, 'link'));
  for (let count = 0; count < 1000; count += 1) writeFileSync(join(folder.tmp, `${count}`), '');
  const removed = removeForeignTree(folder.directory);
  assert.ok(existsSync(folder.directory), 'nothing waited for it');
  await removed;
  assert.deepEqual([existsSync(folder.directory), existsSync(join(dir, 'elsewhere/kept'))], [false, true]);
});

test('secrets are read-only files in memory; leftovers are swept, those of adopted instances stay', async (t) => {
  const runDir = tempDir(t);
  const secrets = new SecretFiles(runDir);
  t.after(() => secrets.close());
  secrets.prepare('one');
  secrets.write('one', { key: Buffer.from('value') }, undefined);
  secrets.prepare('two');
  const file = join(secrets.directory('one'), 'key');
  assert.equal(readFileSync(file, 'utf8'), 'value');
  assert.equal(statSync(file).mode & 0o777, 0o400);
  if (secrets.missing === undefined) assert.ok(!secrets.root.startsWith(runDir));
  await secrets.sweep(new Set(['one']));
  assert.deepEqual([existsSync(file), existsSync(secrets.directory('two'))], [true, false]);
  await secrets.remove('one');
  assert.equal(existsSync(file), false);
});

test('without a tmpfs, or where a stranger was there first, secrets stay in the run directory and it is said', (t) => {
  const runDir = tempDir(t);
  assert.match(new SecretFiles(runDir, [tempDir(t), '/nowhere']).missing ?? '', /tmpfs/);
  if (!requirement(t, existsSync('/dev/shm'), 'no /dev/shm')) return;
  const shared = mkdtempSync('/dev/shm/tb-test-');
  t.after(() => rmSync(shared, { recursive: true, force: true }));
  const own = new SecretFiles(runDir, [shared]);
  assert.equal(own.missing, undefined);
  rmSync(own.root, { recursive: true });
  mkdirSync(join(shared, 'elsewhere'));
  symlinkSync(join(shared, 'elsewhere'), own.root);
  const wary = new SecretFiles(runDir, [shared]);
  assert.match(wary.missing ?? '', /of our own/);
  assert.equal(wary.root, join(runDir, 'secrets'));
});

test('an environment is what was deployed and what is promised; only PATH can be overridden', () => {
  const workload = testWorkload('f', {
    process: './run',
    env: { PATH: '/mine', HOME: '/theirs', OPENFAAS_NAME: 'other', PORT: '1' },
  });
  const places = { home: '/h', tmp: '/t', secrets: '/s', path: '/usr/bin', port: 8080 };
  assert.deepEqual(functionEnv(workload, places), {
    PATH: '/mine',
    HOME: '/h',
    TMPDIR: '/t',
    PORT: '8080',
    fprocess: './run',
    OPENFAAS_NAME: 'f',
    OPENFAAS_NAMESPACE: 'conformance',
    OPENFAAS_SECRETS_DIR: '/s',
  });
});

test('the pool is passed by for whatever is decided when a process starts', () => {
  const settings = (changes: object): boolean => canUsePool(testWorkload('f', { settings: changes }), true);
  assert.equal(settings({}), true);
  assert.equal(settings({ memoryBytes: 256 * 2 ** 20, pids: 64, cpuMillis: 500 }), true);
  for (const changes of [
    { network: 'none' },
    { isolation: 'strict' },
    { isolation: 'none' },
    { memoryBytes: 2 ** 24 },
    { memoryBytes: 2 ** 30 },
  ]) {
    assert.equal(settings(changes), false, JSON.stringify(changes));
  }
  assert.equal(canUsePool(testWorkload('f', { readOnlyRootFilesystem: true }), true), false);
  assert.equal(canUsePool(testWorkload('f', { settings: { pids: 64 } }), false), false, 'limits need a cgroup');
  for (const name of ['NODE_OPTIONS', 'LD_PRELOAD', 'PYTHONPATH', 'TZ']) assert.ok(hasStartBoundEnv({ [name]: 'x' }));
  assert.equal(hasStartBoundEnv({ FOO: 'x', exec_timeout: '5s' }), false);
});

test('the pool grows with recent claims to at most twice its base', () => {
  assert.deepEqual(
    [0, 1, 2, 9].map((claims) => decidePoolSize(2, claims)),
    [2, 3, 4, 4],
  );
  assert.equal(decidePoolSize(0, 9), 0);
});

test('the mode of an exec function can be chosen by its environment, that of others cannot', () => {
  const exec = (env: Record<string, string>): ReturnType<typeof testWorkload> => {
    const base = testWorkload('f', { env });
    const manifest = { ...base.artifact.manifest, language: 'exec', mode: 'fork', process: 'cat' } as const;
    return { ...base, artifact: { ...base.artifact, manifest } };
  };
  assert.equal(resolveMode(exec({})), 'fork');
  assert.equal(resolveMode(exec({ mode: 'http' })), 'http');
  assert.equal(resolveMode(exec({ mode: 'serializing' })), 'fork');
  assert.throws(() => resolveMode(exec({ mode: 'afterburn' })), { code: 'unsupported', message: /afterburn/ });
  assert.equal(resolveMode(testWorkload('f', { env: { mode: 'http' } })), 'frame');
  assert.deepEqual(resolveProcess({ ...exec({}), process: 'wc -l' }), ['wc', '-l']);
  assert.throws(() => resolveProcess(testWorkload('f')), { code: 'invalid', message: /no process/ });
});

test('listeners of a port are read from the kernel’s table', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D3A2 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1 0 100 0 0 10 0`;
  assert.deepEqual(parseListeners(table, 8080), [{ inode: '4242', uid: 1000 }]);
  assert.deepEqual(parseListeners(table, 81), []);
});

import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rootRequirement } from '../../test/support/require.ts';
import { startBuilder } from '../../test/support/builder.ts';
import type { TestBuilder } from '../../test/support/builder.ts';
import { until } from '../../test/support/until.ts';

const mebibyte = 2 ** 20;
const isRoot = process.getuid?.() === 0;

/** A source whose postinstall script runs `script` in a shell. */
function postinstall(script: string): Record<string, string> {
  const manifest = { name: 'x', version: '1.0.0', scripts: { postinstall: 'sh ./evil.sh' } };
  return { 'package.json': JSON.stringify(manifest), 'index.js': '', 'evil.sh': script };
}

describe('a hostile build', () => {
  let kit: TestBuilder;
  let hasty: TestBuilder;
  before(async () => {
    hasty = await startBuilder({ timeoutMs: 1500, memoryBytes: 256 * mebibyte });
    kit = await startBuilder({ timeoutMs: 20_000, memoryBytes: 256 * mebibyte, diskBytes: 32 * mebibyte });
  });
  after(async () => {
    await kit.dispose();
    await hasty.dispose();
  });

  test('cannot read the state folder, the key or another artifact, nor write outside its own', async () => {
    writeFileSync(join(kit.stateDir, 'tinderbox.db'), 'rows', { mode: 0o644 });
    writeFileSync(join(kit.stateDir, 'secrets.key'), 'key', { mode: 0o644 });
    const other = await kit.build({ 'handler.js': '// secret source' });
    const probe = join(kit.runDir, '..', 'planted');
    const tries = [
      `cat ${kit.stateDir}/tinderbox.db`,
      `cat ${kit.stateDir}/secrets.key`,
      `ls ${kit.stateDir}/secrets.key`,
      `cat ${other.artifact.directory}/code/handler.js`,
      `echo x > ${other.artifact.directory}/code/handler.js`,
      `echo x > ${probe}`,
      `echo x > ${kit.runDir}/planted`,
      'echo x > /etc/planted',
      `ls ${kit.runDir}/artifacts`,
      'kill -0 1',
      'cat /proc/1/environ',
    ];
    const script = tries.map((line, index) => `(${line}) >/dev/null 2>&1 && echo "did ${index}"`).join('\n');
    const { log } = await kit.build(postinstall(`${script}\nid -u\nenv\nexit 0\n`), { image: 'evil:1' });
    const text = log.join('\n');
    const did = [...text.matchAll(/did (\d+)/g)].map((match) => tries[Number(match[1])]);
    // Inside, the artifacts folder shows nothing but the build's own, and process 1 is its own launcher.
    const harmless = [tries[8], tries[9], tries[10]];
    assert.deepEqual(
      did.filter((line) => !harmless.includes(line)),
      [],
    );
    assert.ok(!existsSync(probe) && !existsSync('/etc/planted'));
    assert.equal(readFileSync(join(other.artifact.directory, 'code/handler.js'), 'utf8'), '// secret source');
    assert.ok(!/TINDERBOX_(?!CAGE)|NODE_TEST|SUDO|SSH_|HOME=\/root/.test(text), text);
    if (isRoot) assert.ok(log.includes(String(await kit.identities.assign('build', 'openfaas-fn'))), text);
  });

  test('cannot reach the dependency cache of another namespace', async (t) => {
    if (!rootRequirement(t)) return;
    const cache = (namespace: string): string => join(kit.runDir, 'cache', namespace);
    await kit.build(postinstall(`echo mine > ${cache('one')}/npm/mark; exit 0`), { namespace: 'one' });
    assert.equal(readFileSync(join(cache('one'), 'npm/mark'), 'utf8'), 'mine\n');
    const script = `cat ${cache('one')}/npm/mark && echo READ\necho x > ${cache('one')}/npm/mark && echo WROTE\nexit 0`;
    const { log } = await kit.build(postinstall(script), { namespace: 'two' });
    assert.ok(!log.some((line) => line === 'READ' || line === 'WROTE' || line === 'mine'), log.join('\n'));
    assert.notEqual(statSync(cache('one')).uid, statSync(cache('two')).uid);
  });

  test('that forks without end is stopped and leaves no process', async () => {
    const script = 'bomb() { bomb | bomb & }\nbomb\nsleep 100\n';
    await assert.rejects(hasty.build({ 'build.sh': script }, { namespace: 'bomb' }), { code: 'build-failed' });
    await assertNoProcess('bomb');
  });

  test('that sleeps forever ends at the time limit, its daemons with it', async () => {
    const script = 'setsid sh -c "sleep 1000 & sleep 1000" &\ntrap "" TERM\nwhile :; do sleep 1; done\n';
    const begin = performance.now();
    await assert.rejects(hasty.build({ 'build.sh': script }, { namespace: 'sleepy' }), {
      code: 'build-failed',
      message: /ran over its time limit \(1500 ms\)/,
    });
    assert.ok(performance.now() - begin < 8000);
    await assertNoProcess('sleepy');
  });

  test('that fills the disk is stopped at the limit, in its folder as in its cache', async () => {
    const fill = (folder: string): string =>
      `i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > ${folder}/f$i || exit 9; done\n`;
    const home = kit.build({ 'build.sh': fill('$HOME') }, { namespace: 'filler' });
    await assert.rejects(home, { code: 'build-failed', message: /it wrote more than 33554432 bytes/ });
    const cache = kit.build({ 'build.sh': fill('${PIP_CACHE_DIR%/pip}') }, { namespace: 'filler' });
    await assert.rejects(cache, { code: 'build-failed', message: /dependency cache grew over 33554432 bytes/ });
    assert.ok(!existsSync(join(kit.runDir, 'cache/filler')));
    const empty = 'i=0; while :; do i=$((i+1)); : > e$i || exit 9; done\n';
    const names = kit.build({ 'build.sh': empty }, { namespace: 'filler' });
    await assert.rejects(names, { code: 'build-failed', message: /it wrote more than 33554432 bytes/ });
    const file = kit.build({ 'build.sh': 'head -c 100000000 /dev/zero > big\n' }, { namespace: 'filler' });
    await assert.rejects(file, { code: 'build-failed' });
  });

  test('that eats memory is killed for it', async () => {
    const script = 'exec node -e "const a = []; for (;;) a.push(Buffer.alloc(1e7, 1))"\n';
    const path = { 'build.sh': script.replace('exec node', `exec ${process.execPath}`) };
    await assert.rejects(kit.build(path, { namespace: 'eater' }), { code: 'build-failed' });
  });

  test('that floods the log costs a bounded number of lines', async () => {
    const files = { 'build.sh': 'yes | head -c 50000000\nprintf "\\033[2Jdone\\n"\nexit 4\n' };
    const lines: string[] = [];
    const plain = { namespace: 'flood', image: 'flood:1', buildArgs: {}, noCache: false };
    const build = kit.builder.build(
      { ...plain, directory: kit.source(files) },
      (line) => lines.push(line),
      new AbortController().signal,
    );
    await assert.rejects(build, { code: 'build-failed' });
    assert.ok(lines.length < 10_010, `${lines.length} lines`);
  });

  test('cannot leave a pipe, a device or a link to somebody else’s file in its artifact', async () => {
    const pipe = { 'build.sh': 'mkfifo handler\n' };
    await assert.rejects(kit.build(pipe, { process: 'cat' }), { message: /left "handler", which is neither file nor/ });
    const lock = { 'build.sh': 'mkdir node_modules; ln -s /dev/zero node_modules/.package-lock.json\n' };
    const { artifact } = await kit.build(lock, { process: 'cat' });
    assert.deepEqual(artifact.manifest.dependencies, {});
    const hard = { 'build.sh': 'echo a > one; ln one two; ln one $HOME/three\n' };
    const linked = await kit.build(hard, { process: 'cat' });
    assert.equal(statSync(join(linked.artifact.directory, 'code/one')).nlink, 1);
  });

  test('keeps no hold on its artifact through a file it opened and handed to somebody outside', async () => {
    const script = 'echo good > one; while [ ! -e go ]; do sleep 0.01; done; rm go\n';
    const building = kit.build({ 'build.sh': script }, { process: 'cat', namespace: 'giver' });
    building.catch(() => undefined);
    const artifacts = join(kit.runDir, 'artifacts');
    const code = await until('its step runs', () =>
      readdirSync(artifacts)
        .map((name) => join(artifacts, name, 'bundle/code'))
        .find((folder) => existsSync(join(folder, 'one'))),
    );
    const held = openSync(join(code, 'one'), 'r+');
    writeFileSync(join(code, 'go'), '');
    const { artifact } = await building;
    writeSync(held, 'evil', 0);
    closeSync(held);
    assert.equal(readFileSync(join(artifact.directory, 'code/one'), 'utf8'), 'good\n');
  });

  test('cannot be a source with links or special files that lead elsewhere', async () => {
    const outside = kit.source({ 'handler.js': '' });
    symlinkSync('/etc/passwd', join(outside, 'passwd'));
    await assert.rejects(kit.build({}, { directory: outside }), {
      code: 'invalid',
      message: /"passwd" points outside/,
    });
    const twisted = kit.source({ 'handler.js': '', 'a/b/x': '' });
    symlinkSync('../..', join(twisted, 'a/b/up'));
    symlinkSync('a/b/up/..', join(twisted, 'requirements.txt'));
    await assert.rejects(kit.build({}, { directory: twisted }), { code: 'invalid', message: /points outside/ });
  });

  test('that nests folders deeper than a path can be long leaves nothing behind', async () => {
    const script = 'i=0; while [ $i -lt 700 ]; do mkdir deeper; cd deeper || exit 1; i=$((i+1)); done\nexit 1\n';
    await assert.rejects(kit.build({ 'build.sh': script }, { namespace: 'deep' }), { code: 'build-failed' });
    const left = readdirSync(join(kit.runDir, 'artifacts')).filter((name) => name.startsWith('.tmp-'));
    assert.deepEqual(left, []);
  });

  async function assertNoProcess(namespace: string): Promise<void> {
    if (!isRoot) return;
    const uid = await hasty.identities.assign('build', namespace);
    const owned = (): string[] =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid);
    // Dead daemons are in the process list until init, whose children they became, has looked.
    await until(`no process of ${namespace} is left`, () => owned().length === 0, 2000);
  }
});

import assert from 'node:assert/strict';
import { chownSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { askForExec, exchangeFrames } from '../support/exec-client.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { requirement, rootRequirement } from '../support/require.ts';
import { copySource } from '../support/source-copy.ts';
import { tempDir } from '../support/temp-dir.ts';
import { processesOf, tracesOf } from '../support/traces.ts';
import { until } from '../support/until.ts';

const root = resolve(import.meta.dirname, '../..');

/** What becomes of a secret, of the platform's password and of a file beside it when a function asks for them. */
const spy = `
const { readFileSync, writeFileSync } = require('node:fs');
const attempt = (work) => { try { return work() ?? 'done'; } catch (error) { return error.code; } };
module.exports = async (event) => JSON.stringify({
  uid: process.getuid(),
  secret: attempt(() => readFileSync(process.env.OPENFAAS_SECRETS_DIR + '/token', 'utf8')),
  password: attempt(() => readFileSync(event.body + '/password', 'utf8')),
  planted: attempt(() => writeFileSync(event.body + '/planted', '')),
});
`;

/** The namespaces and rights of a function. */
const walls = `
const { readFileSync, readlinkSync } = require('node:fs');
const wanted = /^(Uid|Groups|NoNewPrivs|Cap[A-Z][a-z]+):/;
module.exports = async () => JSON.stringify({
  spaces: ['mnt', 'pid', 'ipc', 'uts', 'user', 'net'].map((name) => readlinkSync('/proc/self/ns/' + name)),
  status: readFileSync('/proc/self/status', 'utf8').split('\\n').filter((line) => wanted.test(line)),
});
`;

/**
 * As near to macOS as a Linux gets: no /proc, none of the tools that wall programs off, and a Node that says it is
 * darwin's. `$0` is the user everything then runs as.
 */
const bareSystem = `
set -e
mount -t tmpfs none /proc
for tool in setpriv bwrap prlimit nsenter unshare; do
  if [ -e /usr/bin/$tool ]; then mount --bind /dev/null /usr/bin/$tool; fi
done
exec /usr/sbin/chroot --userspec="$0:$0" / "$@"`;
const asDarwin = `--import data:text/javascript,${encodeURIComponent('Object.defineProperty(process, "platform", { value: "darwin" })')}`;

interface Stranger {
  readonly uid: number;
  readonly platform: TestPlatform;
}

/** A platform from a clone that belongs to nobody it knows, started by a user with nothing but a home folder. */
async function startAsStranger(t: TestContext, system: 'this' | 'bare' = 'this'): Promise<Stranger | undefined> {
  if (!rootRequirement(t, 'needs root to become another user')) return undefined;
  if (!requirement(t, existsSync('/usr/bin/setpriv'), 'needs setpriv')) return undefined;
  const clone = tempDir(t, 0o755);
  copySource(clone, { dependencies: true });
  const inClone = relative(root, process.execPath);
  if (!requirement(t, !inClone.startsWith('..'), `needs a Node in the clone, not ${process.execPath}`))
    return undefined;
  const uid = 400_000 + (process.pid % 100_000);
  const home = join(tempDir(t, 0o755), 'home');
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, uid, uid);
  const folders = { stateDir: join(home, 'state'), runDir: join(home, 'run') };
  const identity = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--'];
  const become =
    system === 'this'
      ? ['/usr/bin/setpriv', ...identity]
      : ['/usr/bin/unshare', '--mount', '--', '/bin/sh', '-c', bareSystem, String(uid)];
  const command = [...become, join(clone, inClone), join(clone, 'bin/tinderbox.mjs')];
  const plain = { PATH: process.env['PATH'], LANG: 'C.UTF-8', HOME: home };
  const env = system === 'this' ? plain : { ...plain, NODE_OPTIONS: asDarwin };
  const stranger = { uid, platform: await startPlatform([], folders, { command, env }) };
  t.after(() => stranger.platform.dispose());
  return stranger;
}

async function call(platform: TestPlatform, name: string, body: string): Promise<string> {
  const answer = await fetch(`${platform.url}/function/${name}`, { method: 'POST', body });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${name}: ${text}`);
  return text;
}

async function assertAnswers(platform: TestPlatform): Promise<void> {
  assert.match(await call(platform, 'hello', ''), /hello/);
  assert.equal(await call(platform, 'pycon', 'echo'), 'echo');
  assert.match(await call(platform, 'wordcount', 'one two three'), /\b3\b/);
  assert.match(await call(platform, 'hello-c', ''), /hello function/);
}

suite('a platform without root', () => {
  test('builds, deploys, serves, sleeps, wakes, is taken over after a kill, and leaves nothing', async (t) => {
    const stranger = await startAsStranger(t);
    if (stranger === undefined) return;
    const first = stranger.platform;
    const dir = tempDir(t);
    cpSync(join(root, 'examples'), dir, { recursive: true });
    const names = ['hello', 'pycon', 'wordcount', 'hello-c'];
    const run = async (platform: TestPlatform, ...args: readonly string[]): Promise<string> => {
      const result = await platform.cli(args, { cwd: dir });
      assert.equal(result.code, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
      return result.stdout;
    };
    await run(first, 'deploy', '--regex', `^(${names.join('|')})$`);
    await assertAnswers(first);

    for (const name of names) await run(first, 'scale', name, '0');
    await until('all sleep', async () => !/ (ready|starting|draining) /.test(await run(first, 'instances')), 60_000);
    await assertAnswers(first);

    await first.kill();
    const second = await first.restart();
    t.after(() => second.dispose());
    await assertAnswers(second);
    await second.stop();
    assert.deepEqual(tracesOf(second), []);
  });

  test('works on a system without /proc and without tools to wall with, and names what is missing', async (t) => {
    const stranger = await startAsStranger(t, 'bare');
    if (stranger === undefined) return;
    const { platform } = stranger;
    for (const missing of ['cgroup', 'setpriv', 'mount namespace', 'network namespace', 'pid namespace']) {
      assert.match(platform.output(), new RegExp(`^ +not protected +${missing}: `, 'm'));
    }
    const cwd = join(root, 'examples');
    const deployed = await platform.cli(['deploy', '--regex', '^(hello|pycon|wordcount|hello-c)$'], { cwd });
    assert.equal(deployed.code, 0, deployed.stderr);
    await assertAnswers(platform);
    assert.match((await platform.cli(['describe', 'hello'])).stdout, /missing: no-new-privileges: setpriv is not inst/);
    for (const name of ['hello', 'pycon']) assert.equal((await platform.cli(['scale', name, '0'])).code, 0);
    await assertAnswers(platform);
    await platform.stop();
    assert.deepEqual(tracesOf(platform), []);
  });

  test('keeps secrets for their function, and hides the data folder from it or says that it cannot', async (t) => {
    const stranger = await startAsStranger(t);
    if (stranger === undefined) return;
    const { platform, uid } = stranger;
    assert.equal((await platform.cli(['secret', 'create', 'token'], { stdin: 'hush' })).code, 0);
    await deployFiles(platform, 'spy', { 'handler.js': spy }, { spec: { secrets: ['token'] } });
    const found = JSON.parse(await call(platform, 'spy', platform.stateDir)) as Record<string, unknown>;
    assert.deepEqual([found['uid'], found['secret']], [uid, 'hush']);
    const { stdout } = await platform.cli(['describe', 'spy']);
    assert.match(stdout, /missing: user of its own/);
    const hidden = !/missing: privacy of that user.s files, the data folder/.test(stdout);
    assert.equal(found['password'] === 'ENOENT', hidden, JSON.stringify(found));
    assert.equal(existsSync(join(platform.stateDir, 'planted')), !hidden);
  });

  test('a build sees nothing of the keeper, which starts programs outside of its walls', async (t) => {
    const stranger = await startAsStranger(t);
    if (stranger === undefined) return;
    const { platform } = stranger;
    const look = `for f in keeper/nonce keeper/keeper.sock; do test -e ${platform.runDir}/$f && echo $f; done; echo end`;
    await deployFiles(platform, 'digs', { 'build.sh': `(${look}) > found` }, { lang: 'exec', process: 'cat found' });
    const { stdout } = await platform.cli(['describe', 'digs']);
    const boxed = !/missing: privacy of that user.s files, the data folder/.test(stdout);
    if (!requirement(t, boxed, 'there is no bubblewrap')) return;
    assert.equal(await call(platform, 'digs', ''), 'end\n');
  });

  test('a command joins an instance inside its walls, with no right it does not have, and leaves nothing', async (t) => {
    const stranger = await startAsStranger(t);
    if (stranger === undefined) return;
    const { platform, uid } = stranger;
    assert.equal((await platform.cli(['secret', 'create', 'token'], { stdin: 'hush' })).code, 0);
    const labels = { 'com.openfaas.scale.min': '1' };
    await deployFiles(platform, 'walled', { 'handler.js': walls }, { spec: { secrets: ['token'], labels } });
    const own = JSON.parse(await call(platform, 'walled', '')) as { spaces: string[]; status: string[] };
    const exec = (...words: readonly string[]) => platform.cli(['exec', 'walled', '--', ...words]);
    const script = (text: string) => exec('sh', '-c', text);

    const facts = "grep -E '^(Uid|Groups|NoNewPrivs|CapInh|CapPrm|CapEff|CapBnd|CapAmb):' /proc/self/status";
    const seen = await script(`for n in mnt pid ipc uts user net; do readlink /proc/self/ns/$n; done; ${facts}`);
    assert.deepEqual(seen, { code: 0, stdout: `${[...own.spaces, ...own.status].join('\n')}\n`, stderr: '' });
    assert.ok(own.status.includes(`Uid:\t${[uid, uid, uid, uid].join('\t')}`));
    const inside = 'cat "$OPENFAAS_SECRETS_DIR/token"; echo " $OPENFAAS_NAME"; pwd';
    assert.match((await script(inside)).stdout, /^hush walled\n\/.+artifacts\/[0-9a-f]+\/code\n$/);
    const outside = await script(
      `cat ${platform.stateDir}/password; echo x >${platform.stateDir}/planted; unshare -U true`,
    );
    assert.notEqual(outside.code, 0);
    assert.equal(outside.stdout, '');
    assert.equal(existsSync(join(platform.stateDir, 'planted')), false);

    assert.equal((await script('exit 7')).code, 7);
    assert.equal((await script('kill -9 $$')).code, 137);
    assert.equal((await exec('no-such-program')).code, 127);
    const { stdout } = await platform.cli(['exec', '-i', 'walled', '--', 'sh', '-c', 'cat; sleep 0.1; echo .'], {
      stdin: 'in',
    });
    assert.equal(stdout, 'in.\n');
    // A pipe nobody reads ends a program quietly, as everywhere: the launcher has not left the signal ignored.
    assert.equal((await script('yes | head -n 1')).stderr, '');

    const before = processesOf(platform).length;
    const daemon = await script('setsid sleep 7201 >/dev/null 2>&1 & echo began');
    assert.equal(daemon.stdout, 'began\n');
    await until('the daemon is gone', () => processesOf(platform).length <= before);

    const { socket } = await askForExec(platform, '?name=walled');
    assert.ok(socket !== undefined);
    const terminal = { rows: 33, columns: 44, type: 'xterm' };
    const command = { command: ['sh', '-c', 'stty size; tty'], stdin: false, terminal };
    const frames = await exchangeFrames(socket, [{ kind: 'start', command }]);
    const told = frames.flatMap((frame) => (frame.kind === 'stdout' ? [frame.data] : []));
    assert.match(Buffer.concat(told).toString(), /^33 44\r\n\/dev\/pts\/\d+\r\n$/);
    assert.deepEqual(frames.at(-1), { kind: 'exit', exitCode: 0, signal: null });
    await platform.stop();
    assert.deepEqual(tracesOf(platform), []);
  });
});

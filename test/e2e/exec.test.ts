import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { InstanceStatus } from '../../src/api/instances.ts';
import { deployFiles } from '../support/deploy.ts';
import { askForExec, exchangeFrames } from '../support/exec-client.ts';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { rootRequirement } from '../support/require.ts';
import { isAlive } from '../support/traces.ts';
import { until } from '../support/until.ts';

const root = resolve(import.meta.dirname, '../..');
/** They look at users and cages; `test/e2e/unprivileged.test.ts` has the same without root. */
const beside = process.getuid?.() === 0 ? suite : needsRoot;
const handler = { 'handler.js': 'module.exports = async () => "hi";\n' };

function needsRoot(name: string, _tests: () => void): void {
  test(name, (t) => void rootRequirement(t, 'needs root to give functions users of their own'));
}

interface Begun {
  readonly child: ChildProcess;
  /** Its exit code. */
  readonly exit: Promise<number | null>;
  /** What it wrote to stdout so far. */
  readonly said: () => string;
}

beside('tinderbox exec', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform(['--exec-sessions', '4', '--scale-interval', '100ms']);
    await deployFiles(platform, 'hello', handler, { spec: { labels: { 'com.openfaas.scale.min': '1' } } });
  });
  after(() => platform.dispose());

  const instances = async (name: string): Promise<readonly InstanceStatus[]> => {
    const all = (await (await platform.fetch(`/system/instances?function=${name}`)).json()) as InstanceStatus[];
    return all.filter(({ state }) => state === 'ready');
  };

  /** The command line as a process of its own, its output read as it comes. */
  const begin = (words: readonly string[]): Begun => {
    const args = [join(root, 'bin/tinderbox.mjs'), ...words];
    const env = { ...process.env, OPENFAAS_URL: platform.url, TINDERBOX_DATA_DIR: platform.stateDir, TERM: 'vt220' };
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const exit = once(child, 'exit').then(([code]) => code as number | null);
    return { child, exit, said: () => text };
  };

  test('the program runs as the function, with stdout and stderr apart and its exit code', async () => {
    const [own] = await instances('hello');
    const id = await platform.cli(['exec', 'hello', '--', 'id', '-u']);
    assert.deepEqual(id, { code: 0, stdout: `${own?.protections.uid}\n`, stderr: '' });
    const script = 'echo "$OPENFAAS_NAME"; echo problem >&2; exit 7';
    const both = await platform.cli(['exec', 'hello', '--instance', own?.id ?? '', '--', 'sh', '-c', script]);
    assert.deepEqual(both, { code: 7, stdout: 'hello\n', stderr: 'problem\n' });
    assert.equal((await platform.cli(['exec', 'hello.openfaas-fn', '--', 'sh', '-c', 'kill -9 $$'])).code, 137);
    assert.equal((await platform.cli(['exec', 'hello', '-n', 'openfaas-fn', '--', 'no-such-program'])).code, 127);
  });

  test('stdin is passed on with -i, whatever its size, and empty without', async () => {
    const stdin = `${'0123456789'.repeat(100_000)}\n`;
    const counted = await platform.cli(['exec', '-i', 'hello', '--', 'cat'], { stdin });
    assert.equal(counted.stdout.length, stdin.length);
    assert.equal(counted.stdout, stdin);
    assert.deepEqual(await platform.cli(['exec', 'hello', '--', 'cat'], { stdin: 'x' }), {
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('what does not exist is named, with the way to find what does', async () => {
    const nobody = await platform.cli(['exec', 'nobody', '--', 'id']);
    assert.deepEqual([nobody.code, nobody.stdout], [3, '']);
    assert.match(nobody.stderr, /function "nobody" does not exist/);
    const other = await platform.cli(['exec', 'hello', '--instance', 'hello-00009-x', '--', 'id']);
    assert.equal(other.code, 3);
    assert.match(
      other.stderr,
      /instance "hello-00009-x" of function "hello" does not exist; .*tinderbox instances hello/,
    );
  });

  test('Ctrl-C without a terminal is a signal for the program', async () => {
    const script = 'trap "echo bye; exit 3" INT; echo up; while :; do sleep 0.05; done';
    const { child, exit, said } = begin(['exec', 'hello', '--', 'sh', '-c', script]);
    await until('up', () => said().includes('up'));
    child.kill('SIGINT');
    assert.equal(await exit, 3);
    assert.match(said(), /bye/);
  });

  test('a command line that is killed takes all that its program started with it', async () => {
    const { child, said } = begin(['exec', 'hello', '--', 'sh', '-c', '(setsid sleep 7201 &) ; echo $$; sleep 7202']);
    const pid = await until('up', () => Number(/^(\d+)\n/.exec(said())?.[1]));
    const cage = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    assert.ok(isAlive(pid));
    child.kill('SIGKILL');
    await until('it is gone', () => !isAlive(pid));
    await until('so is its daemon', async () => {
      const left = await platform.cli([
        'exec',
        'hello',
        '--',
        'sh',
        '-c',
        'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "',
      ]);
      return !left.stdout.includes('sleep 7201');
    });
    assert.ok(cage.includes('/exec-') || !cage.includes('tinderbox'));
    assert.equal((await instances('hello')).length, 1);
  });

  test('a function that sleeps is woken, and does not fall asleep under the command', async () => {
    const labels = { 'com.openfaas.scale.zero': 'true', 'com.openfaas.scale.zero-duration': '300ms' };
    await deployFiles(platform, 'sleepy', handler, { spec: { labels } });
    await until('it sleeps', async () => (await instances('sleepy')).length === 0);
    const ran = await platform.cli(['exec', 'sleepy', '--', 'sh', '-c', 'sleep 2; echo awake']);
    assert.deepEqual(ran, { code: 0, stdout: 'awake\n', stderr: '' });
    await until('it sleeps again', async () => (await instances('sleepy')).length === 0);
  });

  test('removing the function ends the command', async () => {
    await deployFiles(platform, 'short', handler);
    const { exit, said } = begin(['exec', 'short', '--', 'sh', '-c', 'echo $$; sleep 7203']);
    const pid = await until('up', () => Number(/^(\d+)\n/.exec(said())?.[1]));
    assert.equal((await platform.cli(['remove', 'short'])).code, 0);
    const code = await exit;
    assert.ok(code === 6 || code === 137, `exit code ${code}`);
    assert.equal(isAlive(pid), false);
  });

  test('a terminal hands over keys, Ctrl-C and size, and is given back', async () => {
    const traps = 'trap "stty size; echo resized" WINCH; trap "echo int; exit 5" INT';
    const script = `${traps}; stty size; echo $TERM; while :; do read x && echo "[$x]"; done`;
    const line = ['exec', '-it', 'hello', '--', 'sh', '-c', `'${script}'`].join(' ');
    const program = `tty; stty rows 31 cols 101; ${process.execPath} ${join(root, 'bin/tinderbox.mjs')} ${line}; echo "code $?"; stty -a`;
    const env = {
      ...process.env,
      SHELL: '/bin/sh',
      OPENFAAS_URL: platform.url,
      TINDERBOX_DATA_DIR: platform.stateDir,
      TERM: 'vt220',
    };
    const child = spawn('script', ['-qefc', program, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const said = (pattern: RegExp): Promise<RegExpExecArray> => until(`${pattern}`, () => pattern.exec(text), 20_000);
    const [, tty = ''] = await said(/(\/dev\/pts\/\d+)/);
    await said(/31 101\r\nvt220/);
    child.stdin.write('typed\r');
    await said(/\[typed\]/);
    const sized = spawn('stty', ['-F', tty, 'rows', '40', 'cols', '90'], { stdio: 'inherit' });
    await once(sized, 'exit');
    await said(/40 90\r\nresized/);
    child.stdin.write('\x03');
    await said(/int\r\ncode 5/);
    await said(/[^-]icanon/);
    await once(child, 'exit');
  });

  test('the route asks for the password, a switch of protocols, and refuses pages of other sites', async () => {
    const query = '?name=hello';
    assert.equal((await askForExec(platform, query, { authorization: undefined })).status, 401);
    assert.equal((await askForExec(platform, query, { authorization: 'Basic eDp5' })).status, 401);
    assert.equal((await askForExec(platform, query, { origin: 'https://evil.example' })).status, 403);
    assert.equal((await askForExec(platform, query, { 'sec-fetch-site': 'cross-site' })).status, 403);
    const plain = await askForExec(platform, query, { connection: undefined, upgrade: undefined });
    assert.equal(plain.status, 426);
    assert.match(plain.text, /Upgrade: tinderbox-exec/);
    assert.equal((await askForExec(platform, query, { upgrade: 'websocket' })).status, 426);
    assert.equal((await askForExec(platform, '')).status, 400);
    assert.equal((await askForExec(platform, '?name=No_Name')).status, 400);
    assert.equal((await askForExec(platform, '?name=nobody')).status, 404);
    assert.equal((await askForExec(platform, '?name=hello&instance=x')).status, 404);
    const elsewhere = await askForExec(platform, `/../function/hello${query}`);
    assert.notEqual(elsewhere.status, 101);
  });

  test('sessions beyond the limit are refused until one is over', async () => {
    const open = await Promise.all([1, 2, 3, 4].map(() => askForExec(platform, '?name=hello')));
    assert.deepEqual(
      open.map(({ status }) => status),
      [101, 101, 101, 101],
    );
    const refused = await askForExec(platform, '?name=hello');
    assert.equal(refused.status, 429);
    assert.match(refused.text, /4 exec sessions are open, the limit is 4/);
    for (const { socket } of open) socket?.destroy();
    await until('there is room', async () => {
      const { status, socket } = await askForExec(platform, '?name=hello');
      socket?.destroy();
      return status === 101;
    });
  });

  test('frames sent along with the request are heard, and what is wrong with them is told', async () => {
    const session = async (...frames: Parameters<typeof exchangeFrames>[1]): Promise<string> => {
      const { socket } = await until('a session', async () => {
        const asked = await askForExec(platform, '?name=hello');
        return asked.status === 101 ? asked : undefined;
      });
      assert.ok(socket);
      return JSON.stringify((await exchangeFrames(socket, frames)).at(-1));
    };
    const command = { command: ['echo', 'hi'], stdin: false };
    assert.match(await session({ kind: 'start', command }), /"exit","exitCode":0/);
    assert.match(await session({ kind: 'start', command: { ...command, command: [] } }), /the command is empty/);
    assert.match(await session(Buffer.from([99, 0, 0, 0, 0])), /frame kind 99 is unknown/);
    assert.match(await session(Buffer.from('GET / HTTP/1.1\r\n\r\n')), /"error"/);
  });

  test('a killed platform takes its commands with it, and the next one runs them beside what it adopted', async () => {
    const [own] = await instances('hello');
    const { exit, said } = begin(['exec', 'hello', '--', 'sh', '-c', 'echo $$; sleep 7204']);
    const pid = await until('up', () => Number(/^(\d+)\n/.exec(said())?.[1]));
    await platform.kill();
    assert.equal(await exit, 6);
    await until('its program is gone', () => !isAlive(pid));
    platform = await platform.restart();
    await until('it is adopted', async () => (await instances('hello'))[0]?.id === own?.id);
    const again = await platform.cli(['exec', 'hello', '--', 'sh', '-c', 'id -u; echo $OPENFAAS_NAME; ls -d "$HOME"']);
    assert.match(again.stdout, new RegExp(`^${own?.protections.uid}\nhello\n/.*home\n$`));
  });

  test('a platform that stops ends its commands first', async () => {
    const { exit, said } = begin(['exec', 'hello', '--', 'sh', '-c', 'echo $$; sleep 7205']);
    const pid = await until('up', () => Number(/^(\d+)\n/.exec(said())?.[1]));
    await platform.stop();
    assert.equal(await exit, 6);
    assert.equal(isAlive(pid), false);
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { shellCommand, type WatchedSession, watchSession } from '../../../test/support/engine/exec-session.ts';
import { makeProcessFixture } from '../../../test/support/engine/process-fixture.ts';
import { bundleWorkload, testUid, writeBundle } from '../../../test/support/engine/test-bundle.ts';
import { rootRequirement } from '../../../test/support/require.ts';
import { isAlive, keeperPid } from '../../../test/support/traces.ts';
import { until } from '../../../test/support/until.ts';
import type { ExecCommand } from '../../model/exec.ts';
import type { Instance } from '../../model/instance.ts';
import type { FunctionSettings } from '../../model/settings.ts';
import { findProgram } from '../../sandbox/program.ts';
import type { Workload } from '../engine.ts';

/** They look at users and cages; `test/e2e/unprivileged.test.ts` has the same without root. */
const beside = process.getuid?.() === 0 ? describe : needsRoot;
const namespaces = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user'] as const;

beside('a command beside an instance', () => {
  let fixture: Awaited<ReturnType<typeof makeProcessFixture>>;
  let instance: Instance;
  before(async () => {
    fixture = await makeProcessFixture();
    instance = await run(workloadOf('beside'));
  });
  after(() => fixture.close());

  function workloadOf(name: string, settings: Partial<FunctionSettings> = {}): Workload {
    const plain = fixture.workload(name, 'serves');
    // A loader's variable and one with a blank are set in other ways than the rest.
    const env = { ...plain.env, LD_DEBUG_OUTPUT: 'x y', GREETING: "it's $HOME" };
    const secrets = { password: Buffer.from('geheim') };
    return { ...plain, env, secrets, settings: { ...plain.settings, ...settings } };
  }

  async function run(workload: Workload): Promise<Instance> {
    await fixture.engine.apply(workload);
    await fixture.engine.scale(workload.revision, 1);
    const isReady = (each: Instance): boolean => each.revision === workload.revision && each.state === 'ready';
    return await until('ready', () => fixture.engine.instances().find(isReady));
  }

  async function start(command: ExecCommand, beside = instance): Promise<WatchedSession> {
    const session = await fixture.engine.exec?.(beside.id, command);
    assert.ok(session);
    return watchSession(session);
  }

  async function output(script: string, beside = instance): Promise<string> {
    const session = await start(shellCommand(script), beside);
    const end = await session.end;
    assert.deepEqual(end, { kind: 'exit', exitCode: 0, signal: null }, session.stderr);
    return session.stdout;
  }

  /** Processes of sessions in an instance's cage, in whatever hierarchy. */
  function sessionPids({ id }: Instance): readonly number[] {
    const found = spawnSync('find', ['/sys/fs/cgroup', '-path', `*/${id}/exec-*/cgroup.procs`], { encoding: 'utf8' });
    const files = found.stdout.split('\n').filter(Boolean);
    return files.flatMap((file) => readText(file).split('\n').filter(Boolean).map(Number));
  }

  for (const isolation of ['auto', 'namespaces'] as const) {
    test(`with isolation ${isolation} it stands inside the same walls as the function itself`, async () => {
      const own = await run(workloadOf(`walls-${isolation}`, { isolation, memoryBytes: 2 ** 28 }));
      const pid = await findProgram(own.pid ?? 0);
      const spaces = namespaces.map((name) => `readlink /proc/self/ns/${name}`).join('; ');
      const facts = '/^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapAmb|NoNewPrivs|Seccomp):/m';
      const status = (text: string): string[] =>
        text.split('\n').filter((line) => new RegExp(facts.slice(1, -2)).test(line));
      assert.deepEqual(status(await output('cat /proc/self/status', own)), status(readText(`/proc/${pid}/status`)));
      assert.equal(await output('cat /proc/self/limits', own), readText(`/proc/${pid}/limits`));
      assert.deepEqual(
        (await output(spaces, own)).trim().split('\n'),
        namespaces.map((name) => readlinkSync(`/proc/${pid}/ns/${name}`)),
      );
      assert.equal((await output('pwd', own)).trim(), readlinkSync(`/proc/${pid}/cwd`));
      assert.equal(await output('cat "$OPENFAAS_SECRETS_DIR"/password', own), 'geheim');
      const cages = (text: string): string[] => text.split('\n').filter((line) => line.includes(own.id));
      const around = cages(readText(`/proc/${pid}/cgroup`));
      const inside = cages(await output('cat /proc/self/cgroup', own)).map((line) =>
        line.replace(/\/exec-[a-z0-9]+$/, ''),
      );
      assert.deepEqual(inside, around);
      assert.ok(around.length > 0 || own.protections.cgroup === 'none');
    });
  }

  test('it has the environment of the function and nothing else', async () => {
    const own = readText(`/proc/${instance.pid}/environ`).split('\0').filter(Boolean);
    const seen = (await output("tr '\\0' '\\n' </proc/self/environ")).split('\n').filter(Boolean);
    assert.deepEqual(seen.filter((pair) => !pair.startsWith('PWD=')).toSorted(), own.toSorted());
  });

  test('it inherits no descriptor but its three', async () => {
    const list = (text: string): string[] => text.split('\n').filter((fd) => fd !== '');
    // What this very test was started with would be in every process it starts.
    const ours = list(spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8' }).stdout);
    for (const terminal of [undefined, { rows: 24, columns: 80, type: 'xterm' }]) {
      const session = await start({ command: ['ls', '/proc/self/fd'], stdin: true, ...(terminal && { terminal }) });
      await session.end;
      assert.deepEqual(
        list(session.stdout.replaceAll('\r', '')).flatMap((row) => row.trim().split(/\s+/)),
        ours,
      );
    }
  });

  test('its words reach it as they are, and no shell reads them', async () => {
    const words = ['$(id)', '`id`', "it's", '"', '\\', 'a\nb', '*', '', '-n', '{}', '!', 'ü'];
    const script = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))';
    for (const terminal of [undefined, { rows: 24, columns: 4000, type: 'xterm' }]) {
      const command = ['node', '-e', script, '--', ...words];
      const session = await start({ command, stdin: false, ...(terminal && { terminal }) });
      await session.end;
      assert.deepEqual(JSON.parse(session.stdout), words);
    }
  });

  test('a program that is not there is 127, one that may not be executed 126, and both are told on stderr', async () => {
    const missing = await start({ command: ['no-such-program'], stdin: false });
    assert.deepEqual(await missing.end, { kind: 'exit', exitCode: 127, signal: null });
    assert.match(missing.stderr, /no-such-program/);
    const closed = await start({ command: ['/etc/passwd'], stdin: false });
    assert.deepEqual(await closed.end, { kind: 'exit', exitCode: 126, signal: null });
  });

  test('output that is not read holds the command up instead of filling the keeper', async () => {
    const bytes = 40_000_000;
    const session = await fixture.engine.exec?.(instance.id, shellCommand(`head -c ${bytes} /dev/zero`));
    assert.ok(session);
    const keeper = keeperPid(fixture.places);
    const written = (): number =>
      Math.max(0, ...sessionPids(instance).map((pid) => Number(/wchar: (\d+)/.exec(readText(`/proc/${pid}/io`))?.[1])));
    await until('it has begun', () => written() > 100_000);
    let before = -1;
    let same = 0;
    await until('it stands still', () => {
      same = written() === before ? same + 1 : 0;
      before = written();
      return same > 20;
    });
    assert.ok(written() < bytes / 4, `${written()} bytes were written`);
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readText(`/proc/${keeper}/status`))?.[1]) * 1024;
    assert.ok(rss < 200e6, `the keeper uses ${rss} bytes`);
    let read = 0;
    for await (const frame of session.output) read += frame.kind === 'stdout' ? frame.data.length : 0;
    assert.equal(read, bytes);
  });

  test('a signal reaches a command that does not read what was sent before', async () => {
    const session = await start(
      shellCommand('trap "exit 5" TERM; echo up; while :; do sleep 0.05; done', { stdin: true }),
    );
    await session.said(/up/);
    session.send({ kind: 'stdin', data: Buffer.alloc(256 * 1024) });
    session.send({ kind: 'signal', signal: 'SIGTERM' });
    assert.deepEqual(await session.end, { kind: 'exit', exitCode: 5, signal: null });
  });

  for (const isolation of ['auto', 'namespaces'] as const) {
    test(`closing kills all that it started, daemons too, and leaves the instance alone (${isolation})`, async () => {
      const own = await run(workloadOf(`tree-${isolation}`, { isolation }));
      const script = '(setsid sh -c "sleep 7001 & sleep 7002" >/dev/null 2>&1 &); sleep 7003 & echo $!; sleep 7004';
      const session = await start(shellCommand(script), own);
      await session.said(/\d+\n/);
      const pids = await until('all run', () => (sessionPids(own).length >= 5 ? sessionPids(own) : undefined));
      session.close();
      await until('all are gone', () => !pids.some(isAlive));
      await until('so is their cage', () => sessionPids(own).length === 0);
      assert.ok(isAlive(own.pid ?? 0));
      assert.equal(await output('echo still there', own), 'still there\n');
    });
  }

  test('what a command leaves in the background ends with it', async () => {
    const session = await start(shellCommand('setsid sleep 7005 >/dev/null 2>&1 & echo $!'));
    const end = await session.end;
    assert.deepEqual(end, { kind: 'exit', exitCode: 0, signal: null });
    assert.equal(isAlive(Number(session.stdout)), false);
  });

  test('a function that put programs of its own at every path is given nobody’s rights but its own', async () => {
    const directory = join(fixture.places.bundles, 'hostile');
    const evil = `#!${directory}/dash\necho stolen by $(id -u) $(id -g), $(grep NoNewPrivs /proc/self/status)\n`;
    writeBundle(directory, { evil });
    copyFileSync('/bin/sh', join(directory, 'dash'));
    const covered = ['/bin/sh', '/usr/bin/setpriv', '/usr/bin/env', '/usr/bin/nsenter', '/usr/bin/script'];
    const cover = covered.map((path) => `mount --bind ${directory}/evil ${path}`).join(' && ');
    const serve = "require('http').createServer((q, s) => s.end()).listen(process.env.PORT, '127.0.0.1')";
    writeBundle(directory, { start: `#!${directory}/dash\n${cover} && exec node -e "${serve}"\n` });
    const process = `unshare --user --map-root-user --mount ${directory}/start`;
    const own = await run(bundleWorkload('hostile', directory, { language: 'exec', mode: 'http', process }));
    for (const terminal of [undefined, { rows: 24, columns: 80, type: 'xterm' }]) {
      const session = await start({ command: ['id'], stdin: false, ...(terminal && { terminal }) }, own);
      await session.end;
      assert.equal(session.stdout, `stolen by ${testUid} ${testUid}, NoNewPrivs: 1\n`);
    }
  });

  test('a command ends when its keeper is killed', async () => {
    const other = await makeProcessFixture();
    try {
      const workload = other.workload('keeperless', 'serves');
      await other.engine.apply(workload);
      await other.engine.scale(workload.revision, 1);
      const own = await until('ready', () => other.engine.instances().find((each) => each.state === 'ready'));
      const session = await other.engine.exec?.(own.id, shellCommand('sleep 7006'));
      assert.ok(session);
      const pids = await until('it runs', () => (sessionPids(own).length > 0 ? sessionPids(own) : undefined));
      process.kill(keeperPid(other.places), 'SIGKILL');
      assert.equal((await Array.fromAsync(session.output)).at(-1)?.kind, 'error');
      await until('nothing of it is left', () => !pids.some(isAlive), 20_000);
    } finally {
      await other.close();
    }
  });

  describe('with a terminal', () => {
    const size = { rows: 33, columns: 111, type: 'xterm-256color' };

    test('it has one of its own, of the size and type that were asked for, and echoes', async () => {
      const session = await start(
        shellCommand('tty; stty size; echo $TERM; read a; echo "got $a"', { stdin: true, terminal: size }),
      );
      await session.said(/xterm/);
      session.write('typed\r');
      assert.deepEqual(await session.end, { kind: 'exit', exitCode: 0, signal: null });
      assert.match(session.stdout, /^\/dev\/pts\/\d+\r\n33 111\r\nxterm-256color\r\ntyped\r\ngot typed\r\n$/);
    });

    test('a new size reaches the program as SIGWINCH', async () => {
      const script = 'trap "stty size; exit 0" WINCH; echo up; while :; do sleep 0.05; done';
      const session = await start(shellCommand(script, { stdin: true, terminal: size }));
      await session.said(/up/);
      session.send({ kind: 'resize', rows: 50, columns: 7 });
      assert.deepEqual(await session.end, { kind: 'exit', exitCode: 0, signal: null });
      assert.match(session.stdout, /50 7\r\n/);
    });

    test('Ctrl-C interrupts the program in it, and only that', async () => {
      const script = 'sh -c \'trap "echo caught; exit 9" INT; echo up; while :; do sleep 0.05; done\'; echo "after $?"';
      const session = await start(shellCommand(`trap : INT; ${script}`, { stdin: true, terminal: size }));
      await session.said(/up/);
      session.write('\x03');
      assert.deepEqual(await session.end, { kind: 'exit', exitCode: 0, signal: null });
      assert.match(session.stdout, /caught\r\nafter 9\r\n/);
    });

    test('a program that a signal ends has 128 and its number, and one that is signalled from outside too', async () => {
      const own = await start(shellCommand('kill -KILL $$', { terminal: size }));
      assert.deepEqual(await own.end, { kind: 'exit', exitCode: 137, signal: null });
      const sent = await start(shellCommand('echo up; exec sleep 7007', { stdin: true, terminal: size }));
      await sent.said(/up/);
      sent.send({ kind: 'signal', signal: 'SIGTERM' });
      assert.deepEqual(await sent.end, { kind: 'exit', exitCode: 143, signal: null });
    });

    test('closing it leaves nothing, a background job of a shell neither', async () => {
      const session = await start(
        shellCommand('set -m; sleep 7008 & sleep 7009 & echo up; wait', { stdin: true, terminal: size }),
      );
      await session.said(/up/);
      const pids = sessionPids(instance);
      assert.ok(pids.length >= 4, `${pids.length} processes`);
      session.close();
      await until('all are gone', () => !pids.some(isAlive));
    });
  });

  test('an instance of the warm pool has the function’s environment, folder and user for a command too', async () => {
    const other = await makeProcessFixture({ pool: { node: 1, python: 0 } });
    try {
      const directory = writeBundle(join(other.places.bundles, 'warm'), { 'handler.mjs': 'export default () => 1;' });
      const workload = bundleWorkload(
        'warm',
        directory,
        { language: 'node', mode: 'frame', handler: 'handler.mjs' },
        { env: { GREETING: 'hi' } },
      );
      await other.engine.apply(workload);
      // The pool fills while nothing starts: sooner or later one of them comes out of it.
      const own = await until('one out of the pool', async () => {
        await other.engine.scale(workload.revision, 1);
        const made = await until('ready', () => other.engine.instances().find((each) => each.state === 'ready'));
        if (made.pooled) return made;
        await other.engine.scale(workload.revision, 0);
        await until('stopped', () => !other.engine.instances().some((each) => each.state === 'draining'));
        return undefined;
      });
      const said = await other.engine.exec?.(
        own.id,
        shellCommand('echo $GREETING $OPENFAAS_NAME; id -u; pwd; echo $HOME'),
      );
      assert.ok(said);
      const session = watchSession(said);
      await session.end;
      const [greeting, uid, cwd, home = ''] = session.stdout.split('\n');
      assert.deepEqual([greeting, cwd], ['hi warm', directory]);
      assert.equal(Number(uid), testUid);
      assert.equal(statSync(home).uid, Number(uid));
    } finally {
      await other.close();
    }
  });
});

function needsRoot(name: string, _tests: () => void): void {
  test(name, (t) => void rootRequirement(t, 'needs root to give functions users of their own'));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

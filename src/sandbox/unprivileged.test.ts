import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chownSync, constants, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { compileHostile, processesOf } from '../../test/support/hostile.ts';
import { ownIdOf } from '../../test/support/own-ids.ts';
import { requirement, rootRequirement } from '../../test/support/require.ts';
import type { SandboxJob, SandboxReport } from '../../test/support/run-in-sandbox.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { isOpenToOthers } from './find-obstacles.ts';
import type { ConfineRequest } from './sandbox.ts';

const run = promisify(execFile);

interface Stranger {
  readonly dir: string;
  readonly uid: number;
  readonly program: string;
  request(id: string, command: readonly string[], changes?: Partial<ConfineRequest>): ConfineRequest;
  report(requests: readonly ConfineRequest[]): Promise<SandboxReport>;
}

/** The platform as it is on a machine where it does not run as root. */
async function unprivileged(t: TestContext): Promise<Stranger | undefined> {
  if (!rootRequirement(t, 'needs root to become another user')) return undefined;
  const dir = tempDir(t, 0o755);
  const uid = ownIdOf(dir);
  const root = resolve(import.meta.dirname, '../..');
  for (const part of ['src/sandbox', 'src/model', 'test/support'])
    cpSync(join(root, part), join(dir, part), { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  const node = isOpenToOthers(process.execPath, 'execute') ? process.execPath : join(dir, 'node');
  if (node !== process.execPath) copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE);
  for (const name of ['home', 'state']) {
    mkdirSync(join(dir, name), { mode: 0o700 });
    chownSync(join(dir, name), uid, uid);
  }
  writeFileSync(join(dir, 'state', 'key'), 'secret', { mode: 0o644 });
  const program = await compileHostile(dir);
  return { dir, uid, program, ...actions(dir, uid, node) };
}

function actions(dir: string, uid: number, node: string): Pick<Stranger, 'request' | 'report'> {
  return {
    request: (id, command, changes = {}) => ({
      id,
      command,
      env: { PATH: '/usr/bin:/bin' },
      cwd: join(dir, 'home'),
      identity: undefined,
      identityLater: false,
      limits: { memoryBytes: 2 ** 26, cpuMillis: 0, pids: 24, fileBytes: 0, openFiles: 0 },
      network: 'host',
      isolation: 'auto',
      binds: [],
      hidden: [join(dir, 'state')],
      writable: [join(dir, 'home')],
      ...changes,
    }),
    async report(requests) {
      const job: SandboxJob = { options: { stateDir: join(dir, 'state'), runDir: join(dir, 'run') }, requests };
      const script = join(dir, 'test/support/run-in-sandbox.ts');
      const drop = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--'];
      const words = [...drop, node, script, JSON.stringify(job)];
      const { stdout } = await run('setpriv', words, { cwd: dir, env: { TOKEN: 'secret' } });
      return JSON.parse(stdout) as SandboxReport;
    },
  };
}

function sh(text: string, ...words: string[]): string[] {
  return ['/bin/sh', '-c', text, 'sh', ...words];
}

async function boxed(t: TestContext): Promise<Stranger | undefined> {
  const it = await unprivileged(t);
  if (it === undefined) return undefined;
  const { abilities } = await it.report([]);
  const why = `needs bubblewrap with user namespaces: ${abilities.missing.join('; ')}`;
  return requirement(t, abilities.bubblewrap !== undefined, why) ? it : undefined;
}

test('without root, a world of its own hides the state folder and every process of the platform', async (t) => {
  const it = await boxed(t);
  if (it === undefined) return;
  const target = '/var/openfaas/secrets';
  const source = join(it.dir, 'home', 'secrets');
  mkdirSync(source);
  writeFileSync(join(source, 'token'), 'hush');
  const look =
    'cat "$1"; cat /proc/[0-9]*/environ | grep -c secret; touch here && echo written; touch "$2" || echo refused';
  const { abilities, runs } = await it.report([
    it.request('look', sh(look, join(it.dir, 'state/key'), join(it.dir, 'new'))),
    it.request('bind', sh(`cat ${target}/token; echo; ls /var/lib >/dev/null && echo there`), {
      binds: [{ source, target, readOnly: true }],
    }),
    it.request('alone', sh('tail -n +3 /proc/net/dev | cut -d: -f1'), { network: 'none' }),
  ]);
  assert.equal(abilities.root, false);
  const [look1, bind, alone] = runs;
  assert.deepEqual(
    // What cat and touch complain of comes on another stream, sooner or later.
    look1?.lines.filter((line) => !/^(cat|touch): /.test(line)),
    ['0', 'written', 'refused'],
    JSON.stringify(look1),
  );
  assert.ok(!look1?.lines.includes('secret'));
  assert.deepEqual(bind?.lines, ['hush', 'there'], JSON.stringify(bind));
  assert.deepEqual(
    alone?.lines.map((line) => line.trim()),
    ['lo'],
  );
  assert.ok(look1?.missing?.some((text) => text.startsWith('user of its own')));
});

test('without root, nothing but its own folders can be written, not even what is empty or memory behind /dev', async (t) => {
  const it = await boxed(t);
  if (it === undefined) return;
  const [hidden, own] = [join(it.dir, 'state'), join(it.dir, 'home')];
  const source = join(own, 'secrets');
  mkdirSync(source);
  const binds = [{ source, target: `/var/not-${it.uid}/secrets`, readOnly: true }];
  const look = 'for d; do if touch "$d/x" 2>/dev/null; then echo "$d"; fi; done';
  const places = [hidden, '/run/user', '/var', '/dev', '/dev/shm', '/', own];
  const { runs } = await it.report([
    it.request('auto', sh(look, ...places), { binds }),
    it.request('apart', sh(look, ...places), { binds, isolation: 'namespaces' }),
    it.request('locked', sh(look, ...places, '/tmp'), { binds, readOnlyWithTmp: own }),
  ]);
  const written = runs.map(({ lines }) => lines);
  assert.deepEqual(written, [['/dev', '/dev/shm', own], [own], [own, '/tmp']], JSON.stringify(runs));
});

test('without root, a fork bomb, a daemon and a deaf program die inside their world', async (t) => {
  const it = await boxed(t);
  if (it === undefined) return;
  const { runs } = await it.report([
    it.request('bomb', [it.program, 'bomb']),
    it.request('daemon', [it.program, 'daemonise', join(it.dir, 'home', 'pid')]),
    it.request('deaf', [it.program, 'deaf']),
  ]);
  const [bomb, daemon, deaf] = runs;
  assert.match(bomb?.lines[0] ?? '', /^limit: /);
  assert.deepEqual([bomb?.outcome?.timedOut, daemon?.outcome?.ok, deaf?.outcome?.timedOut], [true, true, true]);
  assert.match(readFileSync(join(it.dir, 'home', 'pid'), 'utf8'), /^\d+\n$/);
  assert.deepEqual(processesOf(it.uid), []);
});

test('without root and without namespaces, rlimits hold, daemons are found by their mark, and what is missing is named', async (t) => {
  const it = await unprivileged(t);
  if (it === undefined) return;
  const changes = { isolation: 'none' as const };
  const { runs } = await it.report([
    it.request('eat', [it.program, 'eat', 'untouched'], changes),
    it.request('daemon', [it.program, 'daemonise', join(it.dir, 'home', 'pid')], changes),
    it.request('rights', sh('grep NoNewPrivs /proc/self/status'), changes),
    it.request('uid', ['/bin/true'], { identity: { uid: 1, gid: 1, groups: [] } }),
  ]);
  const [eat, daemon, rights, uid] = runs;
  assert.deepEqual([eat?.lines, eat?.outcome?.exitCode], [['refused'], 3]);
  assert.equal(daemon?.outcome?.ok, true);
  assert.deepEqual(rights?.lines, ['NoNewPrivs:\t1']);
  assert.match(uid?.refused ?? '', /cannot run as user 1: the platform does not run as root/);
  const missing = eat?.missing?.map((text) => text.split(/[:,]/)[0]);
  assert.deepEqual(missing, [
    'user of its own',
    'privacy of that user’s files',
    'memory limit of the whole tree',
    'process limit',
    'killing of daemons that hide',
    `hiding of ${join(it.dir, 'state')}`,
  ]);
  assert.deepEqual(processesOf(it.uid), []);
});

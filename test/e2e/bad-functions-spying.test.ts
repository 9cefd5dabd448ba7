import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import type { Instance } from '../../src/model/instance.ts';
import { type BadFunctions, isAlive, startBadFunctions } from '../support/bad-functions.ts';
import { rootRequirement } from '../support/require.ts';
import { until } from '../support/until.ts';

type Attempt = readonly [way: string, target: string | number];

/** Two functions that have something to hide, and where it lies. */
interface Victims {
  readonly node: Instance;
  readonly server: Instance;
  /** `runDir/i/…` of the Node one. */
  readonly folder: string;
  readonly artifact: string;
  readonly secrets: string;
}

suite('functions that look where they should not', () => {
  let stage: BadFunctions;
  before(async () => {
    stage = await startBadFunctions(['http', 'exec']);
  });
  after(() => stage.close());

  for (const [birth, envVars] of [
    ['out of the warm pool', {}],
    ['started anew', { TZ: 'UTC' }],
  ] as const) {
    test(`one ${birth} finds every door closed`, async (t) => {
      if (!rootRequirement(t, 'functions have users of their own only where the platform is root')) {
        return;
      }
      const victims = await deployVictims(stage, t);
      await stage.deploy(t, 'spies', { envVars, secrets: ['own'] });
      assert.equal((await stage.instance('spies')).pooled, birth === 'out of the warm pool');
      const attempts = [...filesOf(stage, victims), ...socketsOf(stage, victims), ...processesOf(stage, victims)];
      const answer = await stage.call('spies', { attempts, show: ['/var/openfaas/secrets'] });
      assert.equal(answer.status, 200, answer.text);
      const { uid, results, shown } = JSON.parse(answer.text) as { uid: number; results: string[]; shown: string[][] };
      assert.deepEqual(shown, [['own']]);
      assert.notEqual(uid, victims.node.protections.uid);
      const open = attempts.filter((_, index) => !/^(EACCES|EPERM|EROFS)$/.test(results[index] ?? ''));
      assert.deepEqual(open, [], results.join(' '));
      for (const { pid = 0 } of [victims.node, victims.server]) assert.ok(isAlive(pid));
      assert.equal((await stage.call('keeps')).status, 200);
      assert.equal((await stage.call('server')).status, 200);
    });
  }

  for (const [birth, envVars] of [
    ['out of the warm pool', {}],
    ['started anew', { TZ: 'UTC' }],
  ] as const) {
    test(`one ${birth} that puts a link in the place of its socket leads nobody to its neighbour`, async (t) => {
      await stage.deploy(t, 'keeps');
      await stage.deploy(t, 'poses', { envVars });
      const [victim, poser] = [await stage.instance('keeps'), await stage.instance('poses')];
      assert.ok(victim.address?.kind === 'frame' && poser.address?.kind === 'frame');
      const places = { own: poser.address.socketPath, victim: victim.address.socketPath };
      assert.equal((await stage.call('poses', places)).text, 'posing');
      await until('it dropped its connection and was found out', async () => {
        const answer = await stage.call('poses');
        assert.ok(!answer.text.includes('"pid"'), `the neighbour answered: ${answer.text}`);
        return (await stage.instances('poses')).every(({ id, state }) => id !== poser.id || state !== 'ready');
      });
      assert.equal((await stage.callUntilUp('poses')).text, 'still me');
      assert.equal((await stage.instance('keeps')).id, victim.id);
    });
  }

  test('a program that attacks others with ptrace and signals harms nobody', async (t) => {
    if (!rootRequirement(t)) return;
    const victims = await deployVictims(stage, t);
    await stage.deploy(t, 'attacks', { language: 'exec', envProcess: './bad attack' });
    const own = await stage.instance('attacks');
    const pids = [victims.node.pid, victims.server.pid, stage.platform.pid, keeperPid(stage), 1];
    const answer = await stage.call('attacks', pids.join('\n'));
    const refused = 'ptrace Operation not permitted\nkill Operation not permitted\n';
    assert.equal(answer.text, refused.repeat(pids.length));
    assert.equal((await stage.instance('attacks')).pid, own.pid);
  });
});

interface Artifact {
  readonly artifact: string;
}

async function deployVictims(stage: BadFunctions, t: TestContext): Promise<Victims> {
  for (const [name, value] of [
    ['vault', 'the treasure'],
    ['own', 'mine'],
  ] as const) {
    const stored = await stage.client.secrets.create({ name }, Buffer.from(value));
    assert.ok(stored.ok || stored.error.code === 'conflict');
  }
  await stage.deploy(t, 'keeps', { secrets: ['vault'], envVars: { TZ: 'UTC', treasure: 'in the environment' } });
  await stage.deploy(t, 'server', { language: 'http', secrets: ['vault'] });
  await until('it has a log', async () => (await stage.logs('keeps')).length > 0);
  const [node, server] = [await stage.instance('keeps'), await stage.instance('server')];
  assert.ok(node.address?.kind === 'frame');
  const folder = dirname(dirname(node.address.socketPath));
  const [revision] = (await (await stage.platform.fetch('/system/function/server/revisions')).json()) as Artifact[];
  const artifact = join(stage.platform.runDir, 'artifacts', revision?.artifact.replace('sha256:', '') ?? '');
  return { node, server, folder, artifact, secrets: join(stage.secretsDir(), basename(folder)) };
}

function filesOf(stage: BadFunctions, { folder, artifact, secrets }: Victims): Attempt[] {
  const { stateDir, runDir } = stage.platform;
  const files = [
    join(stateDir, 'tinderbox.db'),
    join(stateDir, 'password'),
    join(stateDir, 'secrets.key'),
    join(stateDir, 'logs/openfaas-fn/keeps/current.log'),
    join(folder, 'home/diary'),
    join(folder, 'tmp/diary'),
    join(artifact, 'manifest.json'),
    join(artifact, 'code/server.py'),
    join(secrets, 'vault'),
    join(runDir, 'keeper/nonce'),
  ];
  const folders = [
    stateDir,
    join(runDir, 'i'),
    join(runDir, 'artifacts'),
    join(runDir, 'keeper'),
    folder,
    join(folder, 'home'),
    artifact,
    dirname(secrets),
    secrets,
  ];
  for (const path of [...files, ...folders]) assert.ok(existsSync(path), `${path} is not there to be found`);
  return [
    ...files.flatMap((path): Attempt[] => [
      ['read', path],
      ['write', path],
      ['remove', path],
    ]),
    ...folders.flatMap((path): Attempt[] => [
      ['list', path],
      ['make', join(path, 'mine')],
    ]),
    ['make', join(runDir, 'runtime/mine')],
    ['make', '/var/openfaas/secrets/mine'],
  ];
}

function socketsOf(stage: BadFunctions, { folder }: Victims): Attempt[] {
  const sockets = [join(stage.platform.runDir, 'keeper/keeper.sock'), join(folder, 'sock/s')];
  for (const path of sockets) assert.ok(lstatSync(path).isSocket(), path);
  return sockets.map((path): Attempt => ['connect', path]);
}

function processesOf(stage: BadFunctions, { node, server }: Victims): Attempt[] {
  assert.match(readFileSync(`/proc/${node.pid}/environ`, 'latin1'), /treasure=in the environment/);
  const pids = [node.pid, server.pid, stage.platform.pid, keeperPid(stage)].map(Number);
  return [
    ...pids.flatMap((pid): Attempt[] => [
      ['read', `/proc/${pid}/environ`],
      ['read', `/proc/${pid}/mem`],
      ['list', `/proc/${pid}/fd`],
      ['link', `/proc/${pid}/cwd`],
      ['list', `/proc/${pid}/root/var/openfaas/secrets`],
      ['kill', pid],
    ]),
    ['become', 0],
    ['become', node.protections.uid ?? 0],
    ['join', node.protections.uid ?? 0],
    ...stage.cages().flatMap((path): Attempt[] => [
      ['write', join(path, 'cgroup.procs')],
      ['make', join(path, 'mine')],
    ]),
  ];
}

function keeperPid(stage: BadFunctions): number {
  const { pid } = JSON.parse(readFileSync(join(stage.platform.runDir, 'keeper/keeper.json'), 'utf8')) as {
    pid: number;
  };
  assert.ok(isAlive(pid));
  return pid;
}

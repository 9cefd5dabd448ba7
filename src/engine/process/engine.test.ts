import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requirement } from '../../../test/support/require.ts';
import { makeProcessFixture } from '../../../test/support/engine/process-fixture.ts';
import { bundleWorkload, testUid, writeBundle } from '../../../test/support/engine/test-bundle.ts';
import { until } from '../../../test/support/until.ts';
import type { TinderboxError } from '../../model/errors.ts';
import type { Instance } from '../../model/instance.ts';
import type { Workload } from '../engine.ts';
import { answers } from './answers.ts';
import { acceptsConnections } from './listening-port.ts';

const root = process.getuid?.() === 0;
const handler = `
import { readFileSync, readdirSync } from 'node:fs';
const dir = process.env.OPENFAAS_SECRETS_DIR;
console.log(JSON.stringify({ uid: process.getuid(), env: process.env, cwd: process.cwd(),
  secrets: Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(dir + '/' + name, 'utf8')])) }));
export default { fetch: () => new Response('ok') };
`;
const manifests = {
  frame: { language: 'node', mode: 'frame', handler: 'handler.mjs' },
  http: { language: 'exec', mode: 'http', process: 'node program.mjs' },
} as const;

describe('the process engine', () => {
  let fixture: Awaited<ReturnType<typeof makeProcessFixture>>;
  before(async () => {
    fixture = await makeProcessFixture({ startTimeoutMs: 5000, pool: { node: 1, python: 0 }, concurrentStarts: 8 });
  });
  after(() => fixture.close());

  const bundle = (
    name: string,
    kind: keyof typeof manifests,
    text: string,
    changes: Parameters<typeof bundleWorkload>[3] = {},
  ): Workload => {
    const file = kind === 'frame' ? 'handler.mjs' : 'program.mjs';
    const directory = writeBundle(join(fixture.places.bundles, name), { [file]: text });
    return bundleWorkload(name, directory, manifests[kind], changes);
  };
  const ended = async (workload: Workload): Promise<Instance> =>
    await until('an end', () =>
      fixture.engine
        .instances()
        .find(({ revision, state }) => revision === workload.revision && (state === 'failed' || state === 'stopped')),
    );
  const ready = async (workload: Workload): Promise<Instance> => {
    await fixture.engine.apply(workload);
    await fixture.engine.scale(workload.revision, 1);
    return await until('ready', () => {
      const own = fixture.engine.instances().filter(({ revision }) => revision === workload.revision);
      const failed = own.find(({ state }) => state === 'failed');
      if (failed !== undefined) throw new Error(failed.reason);
      return own.find(({ state }) => state === 'ready');
    });
  };
  const firstLine = async (workload: Workload, instance: string): Promise<string> => {
    const query = { namespace: 'conformance', name: workload.name, instance, follow: true };
    for await (const line of fixture.engine.logs(query, AbortSignal.timeout(5000))) return line.text;
    throw new Error('no line');
  };
  interface Seen {
    readonly uid: number;
    readonly env: Record<string, string>;
    readonly cwd: string;
    readonly secrets: Record<string, string>;
  }
  for (const [how, env] of [
    ['warm', {}],
    ['cold', { NODE_OPTIONS: '--no-deprecation' }],
  ] as const) {
    test(`a ${how} Node function has its own user, environment, secrets and folders, and nothing of ours`, async () => {
      const workload = bundle(`frame-${how}`, 'frame', handler, {
        env: { ...env, FOO: 'bar' },
        secrets: { key: Buffer.from('value') },
      });
      const folders = join(fixture.places.runDir, 'i');
      await until('a warm process', () =>
        readdirSync(folders).some((id) => existsSync(join(folders, id, 'sock', 's'))),
      );
      const instance = await until('started the wanted way', async () => {
        const found = await ready(workload);
        if (found.pooled === (how === 'warm')) return found;
        fixture.engine.retire(found.id, 'not out of the pool');
        await ended(workload);
        return undefined;
      });
      const seen = JSON.parse(await firstLine(workload, instance.id)) as Seen;
      assert.equal(instance.address?.kind, 'frame');
      if (root) assert.equal(seen.uid, testUid);
      if (root) assert.equal(instance.protections.uid, testUid);
      assert.deepEqual(seen.secrets, { key: 'value' });
      assert.equal(seen.cwd, workload.artifact.directory);
      const { PATH, HOME = '', TMPDIR, OPENFAAS_SECRETS_DIR, ...rest } = seen.env;
      assert.deepEqual(rest, { ...env, FOO: 'bar', OPENFAAS_NAME: workload.name, OPENFAAS_NAMESPACE: 'conformance' });
      assert.ok(PATH?.endsWith('/usr/bin:/sbin:/bin'));
      assert.ok(HOME.startsWith(join(fixture.places.runDir, 'i')) && TMPDIR !== HOME);
      if (instance.protections.mountNamespace) assert.equal(OPENFAAS_SECRETS_DIR, '/var/openfaas/secrets');
      const owner = statSync(HOME);
      assert.equal(owner.mode & 0o777, 0o700);
      if (root) assert.equal(owner.uid, testUid);
      await fixture.engine.scale(workload.revision, 0);
      await until('its folder is gone', () => !existsSync(HOME));
    });
  }

  test('Python handlers and programs forked per call become ready, or are refused where a runtime is missing', async () => {
    const files = { 'handler.py': 'def handle(req):\n    return req\n' };
    const directory = writeBundle(join(fixture.places.bundles, 'others'), files);
    const python = { language: 'python', mode: 'frame', handler: 'handler.py' } as const;
    const fork = { language: 'exec', mode: 'fork', process: 'cat' } as const;
    for (const manifest of [python, fork]) {
      const workload = bundleWorkload(manifest.mode, directory, manifest);
      try {
        const { address } = await ready(workload);
        assert.equal(address?.kind, 'frame');
        assert.equal(await answers(address, 2000), true);
      } catch (error) {
        assert.equal((error as TinderboxError).code, 'unsupported');
      }
      await fixture.engine.remove(workload.revision);
    }
  });

  test('a handler that cannot be loaded fails the start with its error', async () => {
    const workload = bundle('broken', 'frame', "throw new TypeError('no such thing');");
    await fixture.engine.apply(workload);
    await fixture.engine.scale(workload.revision, 1);
    const failed = await ended(workload);
    assert.match(failed.reason ?? '', /could not be loaded[\s\S]*no such thing/);
    await fixture.engine.remove(workload.revision);
  });

  test('an instance that the kernel kills for memory is told from one that crashes', async (t) => {
    const hog =
      "const all = []; setInterval(() => all.push(Buffer.alloc(8e6, 1)), 1); (await import('node:http')).createServer().listen(process.env.PORT);";
    const workload = bundle('hog', 'http', hog, { settings: { memoryBytes: 128 * 2 ** 20 } });
    await fixture.engine.apply(workload);
    await fixture.engine.scale(workload.revision, 1);
    const failed = await ended(workload);
    await fixture.engine.remove(workload.revision);
    const { memoryLimit, cgroup } = failed.protections;
    if (!requirement(t, memoryLimit !== 'none' || cgroup !== 'none', 'no memory cgroup')) return;
    assert.equal(failed.outcome?.oomKilled, true, failed.reason ?? '');
  });

  test('a program whose port is taken by a stranger is never ready', async () => {
    const stranger = createServer((_, response) => response.end('not me')).listen(0, '127.0.0.1');
    await until('it listens', () => stranger.listening);
    const { port } = stranger.address() as AddressInfo;
    const { awaitHttpReady } = await import('./http-ready.ts');
    const pids = async (): Promise<number[]> => [1];
    await assert.rejects(
      awaitHttpReady({ owner: { port, pids, uid: undefined }, path: '' }, AbortSignal.timeout(5000)),
      {
        code: 'conflict',
      },
    );
    const own = async (): Promise<number[]> => [process.pid];
    const wanted = { owner: { port, pids: own, uid: undefined }, path: '/' };
    assert.equal(await awaitHttpReady(wanted, AbortSignal.timeout(5000)), '127.0.0.1');
    stranger.close();
  });

  test('a program that crashes is draining, and its address nobody’s, before it is failed', async () => {
    const crash = `
      (await import('node:http')).createServer((request, response) => {
        if (request.url === '/crash') process.exit(5);
        response.end('ok');
      }).listen(process.env.PORT);`;
    const workload = bundle('crashing', 'http', crash);
    const { id, address } = await ready(workload);
    assert.equal(await fixture.engine.ownsAddress(id), true);
    const told: [string, Promise<boolean>][] = [];
    const stop = fixture.engine.watch(({ instance }) => {
      if (instance.id === id) told.push([instance.state, fixture.engine.ownsAddress(id)]);
    });
    assert.ok(address?.kind === 'http');
    await fetch(`http://${address.host}:${address.port}/crash`).catch(() => undefined);
    await ended(workload);
    stop();
    await fixture.engine.remove(workload.revision);
    assert.deepEqual(
      told.map(([state]) => state),
      ['draining', 'failed'],
    );
    assert.deepEqual(await Promise.all(told.map(([, owns]) => owns)), [false, false]);
  });

  test('with a ready path, an open port is not enough', async () => {
    const slow = `
      let ready = false;
      setTimeout(() => { ready = true; }, 300);
      (await import('node:http')).createServer((request, response) => {
        response.writeHead(request.url === '/health' && ready ? 204 : 503).end();
      }).listen(process.env.PORT);`;
    const workload = bundle('slow', 'http', slow, { settings: { readyPath: '/health' } });
    const { address } = await ready(workload);
    assert.equal(address?.kind, 'http');
    assert.equal((await fetch(`http://${address.host}:${address.port}/health`)).status, 204);
    await fixture.engine.scale(workload.revision, 0);
    await ended(workload);
    assert.equal(await acceptsConnections(address.host, address.port), false);
  });

  test('what can never run here is refused at once', async () => {
    const apply = (changes: object): Promise<void> =>
      fixture.engine.apply({ ...bundle('refused', 'http', ''), ...changes });
    await assert.rejects(apply({ env: { mode: 'afterburn' } }), { code: 'unsupported' });
    await assert.rejects(apply({ process: 'node "open' }), { code: 'invalid' });
    const { settings } = bundle('refused', 'http', '');
    await assert.rejects(apply({ settings: { ...settings, network: 'none' } }), { code: 'unsupported' });
  });

  test('a function that floods its output is served on, its log is bounded, others are logged at once', async () => {
    const flood = `
      const { createServer } = await import('node:http');
      const { write } = await import('node:fs');
      const chunk = Buffer.alloc(1 << 20, 'yes yes yes yes\\n');
      let left = 100;
      const more = () => { if (left-- > 0) write(1, chunk, more); else console.error('flooded'); };
      createServer((request, response) => response.end('ok')).listen(process.env.PORT, more);`;
    const loud = bundle('loud', 'http', flood);
    await ready(loud);
    const quiet = bundle('quiet', 'frame', handler);
    await firstLine(quiet, (await ready(quiet)).id);
    const last = await until(
      'the flood ends',
      async () => {
        const query = { namespace: 'conformance', name: 'loud', follow: false };
        const lines = await Array.fromAsync(fixture.engine.logs(query, AbortSignal.timeout(5000)));
        return lines.find((line) => line.text === 'flooded' || /lines dropped/.test(line.text));
      },
      90_000,
    );
    assert.match(last.text, /lines dropped|flooded/);
    await fixture.engine.scale(loud.revision, 0);
    await ended(loud);
    const directory = join(fixture.places.stateDir, 'logs', 'conformance', 'loud');
    for (const name of readdirSync(directory)) assert.ok(statSync(join(directory, name)).size <= 8 * 2 ** 20);
  });
});

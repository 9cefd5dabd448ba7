import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { type BuildSettings, buildImage, deployFiles } from '../support/deploy.ts';
import { awake, fault, momentsMs, patienceMs, waitingHandler } from '../support/kill-world.ts';
import { isAlive, keeperPid, processesOf, tracesOf, treeOf } from '../support/traces.ts';
import { until } from '../support/until.ts';

const json = (value: object): RequestInit => ({ body: JSON.stringify(value) });

/** A function of each kind that answers the pid of its instance. */
const pidTellers: Readonly<Record<string, BuildSettings & { readonly files: Readonly<Record<string, string>> }>> = {
  node: { files: { 'handler.js': 'module.exports = async () => String(process.pid);\n' } },
  python: { files: { 'handler.py': 'import os\n\ndef handle(req):\n    return str(os.getpid())\n' } },
  http: {
    files: {
      'server.js': `require('http').createServer((_, response) => response.end(String(process.pid)))
  .listen(process.env.PORT, '127.0.0.1');
`,
    },
    lang: 'exec',
    process: 'node server.js',
    mode: 'http',
  },
  fork: { files: { 'tell.sh': '#!/bin/sh\nprintf %s "$PPID"\n' }, lang: 'exec', process: 'sh tell.sh' },
};

suite('a platform that is killed', { concurrency: 3 }, () => {
  fault('while idle keeps its state, and the processes of its functions go on serving', async (world) => {
    const secret = await world.platform.fetch('/system/secrets', {
      method: 'POST',
      ...json({ name: 'token', value: 'abc' }),
    });
    assert.ok(secret.ok, await secret.text());
    await deployFiles(
      world.platform,
      'reader',
      {
        'handler.js': "module.exports = async () => require('fs').readFileSync('/var/openfaas/secrets/token', 'utf8');",
      },
      { spec: { ...awake, secrets: ['token'] } },
    );
    for (const [name, { files, ...settings }] of Object.entries(pidTellers)) {
      await deployFiles(world.platform, name, files, { ...settings, spec: awake });
    }
    const tell = async (): Promise<string[]> =>
      await Promise.all(Object.keys(pidTellers).map((name) => world.call(name)));
    const before = await world.state();
    const pids = await tell();
    for (const _ of momentsMs) {
      await world.platform.kill();
      assert.ok(
        pids.every((pid) => isAlive(Number(pid))),
        'the instances outlive the platform',
      );
      await world.restart();
      assert.deepEqual(await world.state(), before);
      assert.deepEqual(await tell(), pids, world.account());
      assert.equal(await world.call('reader'), 'abc');
    }
  });

  fault('with calls in flight cuts them off, and their slots are free again', async (world) => {
    const annotations = { 'com.tinderbox.concurrency': '2' };
    await world.deploy('busy', 'one', { ...awake, annotations });
    const pid = await world.pidOf('busy');
    for (const moment of momentsMs) {
      const calls = Array.from({ length: 6 }, () => world.outcome('busy', '400'));
      await world.at(moment);
      await world.platform.kill();
      for (const outcome of await Promise.all(calls)) assert.ok(outcome === 'broken' || outcome === 200);
      await world.restart();
      const answers = await Promise.all([world.call('busy'), world.call('busy'), world.call('busy')]);
      assert.deepEqual(answers, Array(3).fill(`one ${pid}`), world.account());
    }
  });

  fault('takes back an instance that computes and answers only after seconds', async (world) => {
    const handler = `module.exports = async (event) => {
  for (const end = Date.now() + Number(event.body); Date.now() < end; );
  return String(process.pid);
};
`;
    await deployFiles(world.platform, 'computes', { 'handler.js': handler }, { spec: awake });
    const pid = await world.call('computes');
    const cutOff = world.outcome('computes', '3500');
    await world.underWay('computes', 1);
    await world.killAndRestart();
    assert.equal(await cutOff, 'broken');
    assert.equal(await world.call('computes'), pid);
  });

  fault('right after a first deploy was accepted goes on to ready', async (world) => {
    await buildImage(world.platform, 'fresh:1', waitingHandler('fresh'));
    for (const [index, moment] of momentsMs.entries()) {
      const service = `fresh${index}`;
      const body = { service, image: 'fresh:1', ...awake };
      const answer = await world.platform.fetch('/system/functions', { method: 'POST', ...json(body) });
      assert.equal(answer.status, 202);
      await world.at(moment);
      await world.killAndRestart();
      const pid = await world.pidOf(service);
      assert.equal(await world.call(service), `fresh ${pid}`);
      // Fifty that never sleep would be more than the host's budget.
      await world.remove(service);
    }
  });

  fault('right after an update was accepted moves traffic to it', async (world) => {
    await world.deploy('moved', 'v0');
    for (const [index, moment] of momentsMs.entries()) {
      const greeting = `v${index + 1}`;
      await buildImage(world.platform, `moved:${greeting}`, waitingHandler(greeting));
      const body = { service: 'moved', image: `moved:${greeting}`, ...awake };
      const answer = await world.platform.fetch('/system/functions', { method: 'PUT', ...json(body) });
      assert.equal(answer.status, 202);
      await world.at(moment);
      await world.killAndRestart();
      await until(`${greeting} answers`, async () => (await world.call('moved')).startsWith(greeting), patienceMs);
      await world.pidOf('moved');
    }
  });

  fault('while it builds leaves nothing of the build, which can be done again', async (world) => {
    const files = { Makefile: 'all:\n\tsleep 2\n\tprintf "#!/bin/sh\\necho built\\n" > run\n\tchmod +x run\n' };
    const build = (name: string): Promise<void> => {
      return buildImage(world.platform, `${name}:1`, { ...files, name }, { lang: 'exec', process: './run' });
    };
    for (const [index, moment] of momentsMs.map((ms) => 4 * ms).entries()) {
      const cutOff = assert.rejects(build(`made${index}`));
      await world.at(moment);
      const kept = treeOf(keeperPid(world.platform));
      const tree = treeOf(world.platform.pid).filter((pid) => !kept.includes(pid));
      await world.platform.kill();
      await cutOff;
      world.platform = await world.platform.restart();
      await until('the worker is gone', () => tree.every((pid) => !isAlive(pid)), patienceMs);
      const isGone = (): boolean => tracesOf(world.platform).every((line) => line.startsWith('process'));
      await until('nothing of it is left', isGone, patienceMs);
      await build(`made${index}`);
    }
  });

  fault('while it scales up comes to the count that was asked for', async (world) => {
    await world.deploy('grown', 'one', { labels: { ...awake.labels, 'com.openfaas.scale.max': '4' } });
    for (const moment of momentsMs) {
      const scaled = await world.platform.fetch('/system/scale-function/grown', {
        method: 'POST',
        ...json({ serviceName: 'grown', replicas: 4 }),
      });
      assert.equal(scaled.status, 202);
      await world.at(moment);
      await world.killAndRestart();
      const pids = (await world.ready('grown', 4)).map(({ pid }) => pid);
      assert.equal(new Set(pids).size, 4);
      assert.equal(
        pids.every((pid) => isAlive(pid ?? 0)),
        true,
      );
      await world.platform.fetch('/system/scale-function/grown', {
        method: 'POST',
        ...json({ serviceName: 'grown', replicas: 1 }),
      });
      await world.ready('grown', 1);
    }
  });

  fault('while it removes a function removes it', async (world) => {
    for (const moment of momentsMs) {
      await world.deploy('gone', 'one');
      const pid = await world.pidOf('gone');
      const removed = await world.platform.fetch('/system/functions', {
        method: 'DELETE',
        ...json({ functionName: 'gone' }),
      });
      assert.equal(removed.status, 202);
      await world.at(moment);
      await world.killAndRestart();
      assert.deepEqual(await world.get('/system/functions'), []);
      assert.equal((await fetch(`${world.platform.url}/function/gone`)).status, 404);
      await until('its instance is gone', () => !isAlive(pid), patienceMs);
    }
  });

  fault('keeps a broken revision out of traffic, and why it failed', async (world) => {
    await world.deploy('sound', 'one');
    await buildImage(world.platform, 'sound:2', { 'handler.js': "throw new Error('no such luck');\n" });
    const body = { service: 'sound', image: 'sound:2', ...awake };
    const answer = await world.platform.fetch('/system/functions', { method: 'PUT', ...json(body) });
    assert.equal(answer.status, 202);
    const describe = async (): Promise<string> => (await world.platform.cli(['describe', 'sound'])).stdout;
    await until('its failure is told', async () => (await describe()).includes('no such luck'), patienceMs);
    for (const moment of momentsMs) {
      await world.at(moment);
      await world.killAndRestart();
      assert.match(await world.call('sound'), /^one /);
      assert.match(await describe(), /no such luck/);
    }
  });

  fault(
    'and never started again is followed by its instances and its keeper',
    async (world) => {
      await world.platform.fetch('/system/secrets', { method: 'POST', ...json({ name: 'token', value: 'abc' }) });
      await deployFiles(
        world.platform,
        'left',
        { 'handler.js': "process.on('SIGTERM', () => 0); module.exports = async () => 'here';" },
        { spec: { ...awake, secrets: ['token'] } },
      );
      for (const _ of momentsMs) {
        await world.ready('left', 1);
        await world.platform.kill();
        assert.ok(processesOf(world.platform).length >= 2);
        await until('nothing is left', () => tracesOf(world.platform).length === 0, patienceMs / 2);
        world.platform = await world.platform.restart();
        assert.equal(await world.call('left'), 'here');
      }
    },
    ['--keeper-orphan-timeout', '500ms'],
  );
});

suite('a platform that is stopped', () => {
  fault('finishes the calls in flight, takes no new ones, and leaves nothing', async (world) => {
    await world.deploy('last', 'one');
    for (const moment of momentsMs) {
      const pid = await world.pidOf('last');
      const calls = Array.from({ length: 5 }, () => world.call('last', '500'));
      await world.underWay('last', 5);
      const stopped = world.platform.stop();
      await world.at(moment);
      assert.deepEqual(await Promise.all(calls), Array(5).fill(`one ${pid}`));
      assert.equal(await stopped, 0);
      assert.deepEqual(tracesOf(world.platform), []);
      world.platform = await world.platform.restart();
    }
  });
});

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { parseFunctionStore } from '../../src/model/function-store.ts';
import { covers } from '../support/covers.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';
import {
  callOf,
  heavyFunctions,
  runStore,
  storeAnswers,
  storeEntries,
  storeFolder,
  tryStoreFunction,
} from '../support/store-functions.ts';

const foreign = resolve(import.meta.dirname, '../fixtures/openfaas-store.json');

suite("tinderbox's own store of functions", () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform.dispose());

  test('every folder has an entry, a README and a test, every entry a folder and a call that shows it', () => {
    const folders = readdirSync(storeFolder).filter((name) => name !== 'store.json');
    assert.deepEqual([...new Set(storeEntries.map(({ source }) => source))].sort(), folders.sort());
    assert.deepEqual(storeEntries.map(({ name }) => name).sort(), Object.keys(storeAnswers).sort());
    for (const name of folders) {
      const files = readdirSync(join(storeFolder, name));
      assert.ok(files.includes('README.md'), name);
      assert.ok(name === 'env' || files.some((file) => /^handler\.test\.mjs$|^test_handler\.py$/.test(file)), name);
    }
  });

  test('the platform hands its store out to anybody, and builds a function of it for whoever deploys it', async () => {
    const url = `${platform.url}/store.json`;
    const listed = await (await fetch(url)).text();
    assert.deepEqual(parseFunctionStore(listed, url), storeEntries);
    const { exitCode, stderr } = await runStore(platform, 'deploy', 'base64', '--url', url, '--name', 'first');
    assert.deepEqual([exitCode, /building/.test(stderr)], [0, false], stderr);
    assert.equal((await callOf(platform, 'first')('', 'hello')).text(), 'aGVsbG8=\n');
  });

  test('each function is deployed with one command, answers, and passes its own test', {
    concurrency: 4,
  }, async (t) => {
    covers('command', 'store deploy');
    const light = storeEntries.filter(({ name }) => !heavyFunctions.includes(name));
    await Promise.all(light.map(({ name }) => t.test(name, () => tryStoreFunction(platform, name))));
  });

  test('a function that fetches reaches what its deployment allows, and no more', async () => {
    const deploy = (...flags: readonly string[]) => runStore(platform, 'deploy', 'fetch', '--name', 'opened', ...flags);
    const url = `${platform.url}/healthz`;
    const call = callOf(platform, 'opened');
    assert.equal((await deploy('-e', `allowed_hosts=${new URL(url).host}`)).exitCode, 0);
    assert.match((await call('', url)).text(), /address 127\.0\.0\.1 is not a public one/);
    assert.equal((await deploy('-e', `allowed_hosts=${new URL(url).host}`, '-e', 'allow_private=true')).exitCode, 0);
    assert.equal((await call('', url)).text(), 'OK');
  });

  test('the clock calls cron-echo as its deployment says, and the log shows it', async () => {
    const every = ['--name', 'ticking', '--annotation', 'schedule=@every 1s'];
    assert.equal((await runStore(platform, 'deploy', 'cron-echo', ...every)).exitCode, 0);
    const logged = async (): Promise<boolean> => {
      const log = await platform.fetch('/system/logs?name=ticking&follow=false');
      return /cron-function.*@every 1s/.test(await log.text());
    };
    await until('a call of the clock is in the log', logged, 60_000);
    const body = JSON.stringify({ functionName: 'ticking' });
    assert.equal((await platform.fetch('/system/functions', { method: 'DELETE', body })).status, 202);
  });

  test("entries of OpenFaaS's own store are listed, and refused with the reason", async () => {
    const listed = await runStore(platform, 'list', '--url', foreign);
    assert.match(listed.stdout, /^nodeinfo +openfaas +NodeInfo$/m);
    const refused = await runStore(platform, 'deploy', 'NodeInfo', '--name', 'foreign', '--url', foreign);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /error: nodeinfo is the container image "ghcr\.io\/openfaas\/nodeinfo:latest", which/);
    assert.match(refused.stderr, /process engine runs/);
    assert.match(refused.stderr, /hint: `tinderbox store list`/);
    assert.equal((await platform.fetch('/system/function/foreign')).status, 404);
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { differs } from '../support/covers.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { callOf, heavyFunctions, storeAnswers, tryStoreFunction } from '../support/store-functions.ts';
import { until } from '../support/until.ts';
import { buildFaasCli } from './go-program.ts';
import { startWorkshop } from './workshop-world.ts';

const client = buildFaasCli();
const foreign = readFileSync(resolve(import.meta.dirname, '../fixtures/openfaas-store.json'));

suite('functions of the store whose builds take long', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform.dispose());

  for (const name of heavyFunctions) {
    test(`${name} is deployed with one command, answers, and passes its own test`, async () => {
      await tryStoreFunction(platform, name);
    });
  }
});

test("faas-cli lists OpenFaaS's own entries, and learns why one of them is refused", async (t) => {
  if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
  const shop = await startWorkshop(t, 'file' in client ? client.file : '');
  shop.set('OPENFAAS_URL', shop.platform.url);
  const url = await shop.serve((_request, response) => response.end(foreign));
  await shop.sh(`faas-cli login --password-stdin < ${join(shop.platform.stateDir, 'password')}`);
  assert.equal(await shop.sh(`tinderbox store list --url ${url}`), await shop.sh(`faas-cli store list --url ${url}`));
  const refused = await shop.fails(`faas-cli store deploy nodeinfo --url ${url}`);
  assert.match(refused, /400/);
  assert.match(
    refused,
    /image "ghcr\.io\/openfaas\/nodeinfo:latest" is not known here: the process engine runs images/,
  );
  await shop.sh(`faas-cli store deploy nodeinfo --url ${shop.platform.url}/store.json`);
});

test('a faas-cli that gives up while an entry is built finds the function there all the same, later or by asking again', async (t) => {
  differs(
    'endpoint',
    'POST /system/functions',
    'the first deploy of an image of the own store is answered when its build has ended, which goes on when the client gives up: faas-cli does after 60 s, or `--timeout`',
  );
  if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
  const shop = await startWorkshop(t, 'file' in client ? client.file : '');
  const { platform } = shop;
  shop.set('OPENFAAS_URL', platform.url);
  await shop.sh(`faas-cli login --password-stdin < ${join(platform.stateDir, 'password')}`);
  const deploy = `faas-cli store deploy sentimentanalysis --url ${platform.url}/store.json`;
  // Without the PUT that asks first whether the function is there: the second is the build's alone.
  const gaveUp = await shop.fails(`${deploy} --update=false --timeout 1s`);
  assert.match(gaveUp, /Client\.Timeout exceeded/);
  assert.equal((await platform.fetch('/system/function/sentimentanalysis')).status, 404);

  await shop.sh(`${deploy} --name other --timeout 10m`);
  const isThere = async () => (await platform.fetch('/system/function/sentimentanalysis')).status === 200;
  await until('the first order was carried out, too', isThere, 60_000);
  for (const name of ['sentimentanalysis', 'other']) await storeAnswers['sentimentanalysis']?.(callOf(platform, name));
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { heavyFunctions, tryStoreFunction } from '../support/store-functions.ts';
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

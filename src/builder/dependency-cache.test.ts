import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type TestBuilder, startBuilder } from '../../test/support/builder.ts';
import { type PackageRegistry, startPackageRegistry } from '../../test/support/package-registry.ts';

/** A builder whose builds know no registry but one on this machine. */
async function start(t: TestContext): Promise<{ kit: TestBuilder; registry: PackageRegistry }> {
  const registry = await startPackageRegistry(t);
  const env = {
    npm_config_registry: registry.url,
    npm_config_fetch_retries: '0',
    PIP_INDEX_URL: `${registry.url}/simple`,
    // Without TLS pip keeps only what comes from hosts it was told to trust.
    PIP_TRUSTED_HOST: new URL(registry.url).host,
  };
  const kit = await startBuilder({ env });
  t.after(() => kit.dispose());
  return { kit, registry };
}

const tarball = '/greeting/-/greeting-1.0.0.tgz';
const wheel = '/files/greeting-1.0.0-py3-none-any.whl';

function nodeFunction(word: string, lock?: string): Record<string, string> {
  return {
    'package.json': JSON.stringify({ name: 'f', dependencies: { greeting: '1.0.0' } }),
    'index.js': `module.exports = async () => require('greeting') + ' ${word}';\n`,
    ...(lock === undefined ? {} : { 'package-lock.json': lock }),
  };
}

test('npm fetches a package once for a namespace; with a lock the next build asks nobody', async (t) => {
  const { kit, registry } = await start(t);
  const first = await kit.build(nodeFunction('one'));
  assert.deepEqual(registry.asked(), ['/greeting', tarball]);

  const second = await kit.build(nodeFunction('two'));
  assert.notEqual(second.artifact.digest, first.artifact.digest);
  assert.deepEqual(registry.asked(), ['/greeting'], 'is there a newer one, and no more');

  const lock = readFileSync(join(first.artifact.directory, 'code/package-lock.json'), 'utf8');
  await registry.close();
  const third = await kit.build(nodeFunction('three', lock));
  assert.deepEqual(registry.asked(), []);
  assert.equal(third.artifact.manifest.dependencies['greeting'], '1.0.0');
  const installed = join(third.artifact.directory, 'code/node_modules/greeting/index.js');
  assert.equal(readFileSync(installed, 'utf8'), "module.exports = 'hello';\n");

  // What one namespace fetched is no other's.
  const other = kit.build(nodeFunction('four', lock), { namespace: 'other' });
  await assert.rejects(other, { code: 'build-failed', message: /ECONNREFUSED|network/ });
});

test('pip fetches a package once for a namespace', async (t) => {
  const { kit, registry } = await start(t);
  const source = (word: string): Record<string, string> => ({
    'requirements.txt': 'greeting==1.0.0\n',
    'handler.py': `import greeting\n\ndef handle(req):\n    return greeting.text + ' ${word}'\n`,
  });
  await kit.build(source('one'));
  assert.deepEqual(registry.asked(), ['/simple/greeting/', wheel]);
  const { artifact } = await kit.build(source('two'));
  assert.deepEqual(registry.asked(), ['/simple/greeting/'], 'is there a newer one, and no more');
  assert.deepEqual(artifact.manifest.dependencies, { greeting: '1.0.0' });
  await kit.build(source('three'), { namespace: 'other' });
  assert.deepEqual(registry.asked(), ['/simple/greeting/', wheel], 'what one namespace fetched is no other’s');
});

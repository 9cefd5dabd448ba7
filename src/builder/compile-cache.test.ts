import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type TestBuilder, startBuilder } from '../../test/support/builder.ts';
import { ownIds } from '../../test/support/own-ids.ts';
import { startPackageRegistry } from '../../test/support/package-registry.ts';

async function start(t: TestContext): Promise<TestBuilder> {
  const { url } = await startPackageRegistry(t);
  const kit = await startBuilder({ env: { npm_config_registry: url, npm_config_fetch_retries: '0' } });
  t.after(() => kit.dispose());
  return kit;
}

const manifest = JSON.stringify({ name: 'f', dependencies: { greeting: '1.0.0' } });

test('what a function’s packages compile to is kept in its artifact, read-only, and taken at a start', async (t) => {
  const kit = await start(t);
  for (const [handler, text] of [
    ['handler.js', 'const greeting = require("greeting");\nmodule.exports = async () => greeting;\n'],
    ['handler.mjs', 'import greeting from "greeting";\nexport default async () => greeting;\n'],
  ] as const) {
    const { artifact } = await kit.build({ 'package.json': manifest, [handler]: text });
    const { directory, manifest: made } = artifact;
    assert.equal(made.compileCache, 'compile-cache');
    const cache = join(directory, 'compile-cache');
    const files = globSync('*/*', { cwd: cache });
    assert.ok(files.length > 0);
    // As a function would: in the artifact's group, as somebody else.
    const copy = join(kit.runDir, 'tools', `node-${process.versions.node}`, 'bin/node');
    const node = existsSync(copy) ? copy : process.execPath;
    const user = artifact.gid === undefined ? {} : { uid: ownIds.last, gid: artifact.gid };
    const program = `
      require('node:module').enableCompileCache({ directory: ${JSON.stringify(cache)}, portable: true });
      import(${JSON.stringify(join(directory, 'code', handler))})`;
    const env = { PATH: '/usr/bin:/bin', NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    const { stderr, status } = spawnSync(node, ['-e', program], { env, encoding: 'utf8', cwd: '/', ...user });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /V8 code cache for CommonJS \S*greeting\/index\.js was accepted/);
    assert.deepEqual(globSync('*/*', { cwd: cache }).sort(), files.sort(), 'nobody wrote to it');
  }
});

test('a package that cannot be loaded by a build, and the handler, do not matter to it', async (t) => {
  const kit = await start(t);
  const { artifact, log } = await kit.build({
    'package.json': JSON.stringify({ name: 'f', dependencies: { greeting: '1.0.0', here: 'file:./here' } }),
    'here/package.json': '{"name":"here","version":"1.0.0","main":"index.js"}',
    'here/index.js': 'throw new Error("there is no database");\n',
    'handler.js': 'throw new Error("nobody loads the handler");\n',
  });
  assert.equal(artifact.manifest.compileCache, 'compile-cache');
  assert.match(log.join('\n'), /here is not loaded ahead: Error: there is no database/);
  assert.doesNotMatch(log.join('\n'), /nobody loads/);
});

test('without packages there is nothing to compile ahead', async (t) => {
  const kit = await start(t);
  const { artifact } = await kit.build({ 'package.json': '{"name":"f"}', 'handler.js': '' });
  assert.equal(artifact.manifest.compileCache, undefined);
});

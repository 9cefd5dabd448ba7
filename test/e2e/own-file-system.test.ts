import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';

/** Writes a file into each folder and says what came of it. */
const prober = {
  'handler.js': `const { writeFileSync, rmSync } = require('node:fs');
module.exports = async (event) => JSON.parse(event.body).map((folder) => {
  const file = (folder.startsWith('$') ? process.env[folder.slice(1)] : folder) + '/probe-' + process.pid;
  try {
    writeFileSync(file, 'x');
    rmSync(file);
    return 'written';
  } catch (error) {
    return error.code;
  }
});
`,
};
const forbidden = ['/var/tmp', '/dev/shm', '/run/lock', '$HOME', '/'];

suite('a function with a file system of its own', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform(['--pool-node', '0', '--pool-python', '0']);
  });
  after(() => platform.dispose());

  test('isolation "namespaces" leaves it its socket and its folders', async (t) => {
    const spec = { annotations: { 'com.tinderbox.isolation': 'namespaces' } };
    try {
      await deployFiles(platform, 'apart', prober, { spec });
    } catch (error) {
      const { stdout } = await platform.cli(['describe', 'apart']);
      if (!requirement(t, !stdout.includes('cannot be had here'), 'there is no bubblewrap')) return;
      throw new Error(stdout, { cause: error });
    }
    const body = JSON.stringify(['$TMPDIR', '$HOME', '/var/tmp']);
    const answer = await fetch(`${platform.url}/function/apart`, { method: 'POST', body });
    assert.deepEqual(await answer.json(), ['written', 'written', 'EROFS']);
  });

  test('a read-only root leaves it a /tmp and a TMPDIR, and nothing else', async (t) => {
    await deployFiles(platform, 'locked', prober, { spec: { readOnlyRootFilesystem: true } });
    const instances = await (await platform.fetch('/system/instances?function=locked')).json();
    const { missing, pidNamespace } = (instances as { protections: { missing: string[]; pidNamespace: boolean } }[])[0]
      ?.protections ?? { missing: [], pidNamespace: false };
    const unmet = missing.filter((text) => text.startsWith('read-only root file system: '));
    assert.equal(unmet.length === 0, pidNamespace, 'what is not in force is reported');
    if (!requirement(t, unmet.length === 0, unmet.join())) return;
    const body = JSON.stringify(['/tmp', '$TMPDIR', ...forbidden]);
    const answer = await fetch(`${platform.url}/function/locked`, { method: 'POST', body });
    const results = (await answer.json()) as readonly string[];
    assert.deepEqual(results.slice(0, 2), ['written', 'written']);
    const written = forbidden.filter((_, index) => results[index + 2] === 'written');
    assert.deepEqual(written, [], results.join(' '));
  });
});

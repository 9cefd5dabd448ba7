import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

const handler = `
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
module.exports = async () => readFileSync(join(process.env.OPENFAAS_SECRETS_DIR, 'word'), 'utf8');
`;

suite('a new key for all secrets', () => {
  test('is made while calls run; values outlive it, a redeploy and a restart, and the old key is gone', async (t) => {
    let platform = await startPlatform();
    t.after(() => platform.dispose());
    const run = async (args: string[], stdin = ''): Promise<string> => {
      const { code, stdout, stderr } = await platform.cli(args, { stdin });
      assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    };
    const call = async (): Promise<string> => (await fetch(`${platform.url}/function/tells`)).text();
    const keyFile = join(platform.stateDir, 'secrets.key');
    const keys = (): string[] =>
      readFileSync(keyFile, 'utf8')
        .split('\n')
        .filter((line) => /^[^#]/.test(line));
    await run(['secret', 'create', 'word'], 'open sesame');
    await deployFiles(platform, 'tells', { 'handler.js': handler }, { spec: { secrets: ['word'] } });
    const [old] = keys();

    let [rotated, calls] = [false, 0];
    const calling = (async () => {
      for (; !rotated; calls += 1) assert.equal(await call(), 'open sesame');
    })();
    const said = await run(['secret', 'rotate-key']);
    rotated = true;
    await calling;
    assert.ok(calls > 0);
    assert.match(said, /new key [0-9a-f]{16}\./);
    assert.equal(keys().length, 1);
    assert.notEqual(keys()[0], old);
    assert.deepEqual(
      readdirSync(platform.stateDir).filter((name) => textOf(join(platform.stateDir, name)).includes(old ?? '')),
      [],
      'no file holds the old key',
    );

    const body = JSON.stringify({ service: 'tells', image: 'tells:1', secrets: ['word'] });
    assert.equal((await platform.fetch('/system/functions', { method: 'PUT', body })).status, 202);
    await until('the new revision serves', async () => {
      const answer = await platform.fetch('/system/function/tells/revisions');
      const revisions = (await answer.json()) as { revision: string; state: string }[];
      return revisions.length === 2 && revisions.every(({ state }) => state === 'ready');
    });
    assert.equal(await call(), 'open sesame');
    await platform.stop();
    platform = await platform.restart();
    await until('it answers', async () => (await call()) === 'open sesame', 20_000);
  });
});

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

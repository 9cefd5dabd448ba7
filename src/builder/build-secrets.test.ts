import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startBuilder, type TestBuilder } from '../../test/support/builder.ts';
import { SecretFiles } from '../sandbox/secret-files.ts';
import { createMask } from './build-secrets.ts';
import { createBuilder } from './create-builder.ts';

const value = 'a-token-nobody-may-see';

describe('a build with secrets', () => {
  let kit: TestBuilder;
  before(async () => {
    kit = await startBuilder();
  });
  after(async () => {
    await kit.dispose();
  });
  const secretFolders = (): string[] => {
    const { root } = new SecretFiles(join(kit.runDir, 'build'));
    return existsSync(root) ? readdirSync(root) : [];
  };

  test('its steps read them as files, and nothing of them stays in artifact, log or memory', async () => {
    const script = [
      'set -e',
      'cd "$OPENFAAS_SECRETS_DIR"',
      'test "$(stat -c %a token)" = 400',
      'test "$(wc -c < token)" = 22',
      'test "$NPM_CONFIG_USERCONFIG" = "$OPENFAAS_SECRETS_DIR/.npmrc"',
      'echo "the token is $(cat token)"',
      'cd -; printf "#!/bin/sh\\ncat\\n" > handler; chmod +x handler',
    ];
    const secrets = { token: Buffer.from(value), '.npmrc': Buffer.from('audit=false\n') };
    const files = { 'build.sh': `${script.join('\n')}\n` };
    const { artifact, log } = await kit.build(files, { secrets });
    assert.ok(log.includes('the token is ***'), log.join('\n'));
    assert.equal(spawnSync('grep', ['-rl', value, artifact.directory]).status, 1, 'grep found it');
    assert.deepEqual(secretFolders(), []);
  });

  test('they are no part of what makes two builds equal, and a failed build does not tell them', async () => {
    const files = {
      'build.sh': 'cat "$OPENFAAS_SECRETS_DIR/token"; printf "#!/bin/sh\\n" > handler; chmod +x handler\n',
    };
    const first = await kit.build(files, { secrets: { token: Buffer.from(value) } });
    const second = await kit.build(files, { secrets: { token: Buffer.from('another-token') } });
    assert.equal(first.artifact.digest, second.artifact.digest);
    assert.match(second.log.join('\n'), /nothing changed since/);
    const failing = { 'build.sh': 'cat "$OPENFAAS_SECRETS_DIR/token"; exit 3\n' };
    await assert.rejects(kit.build(failing, { secrets: { token: Buffer.from(value) } }), (reason: Error) => {
      assert.match(reason.message, /exited with code 3[^]*\*\*\*/);
      return !reason.message.includes(value);
    });
    assert.deepEqual(secretFolders(), []);
  });

  test('npm reads the settings that were sent as .npmrc', async () => {
    const npmrc = Buffer.from('registry=http://127.0.0.1:1/\nfetch-retries=0\n');
    const files = { 'package.json': '{"dependencies":{"is-odd":"3.0.1"}}', 'index.js': '' };
    const other = await startBuilder({ env: {} });
    try {
      const building = other.build(files, { secrets: { '.npmrc': npmrc } });
      await assert.rejects(building, { code: 'build-failed', message: /127\.0\.0\.1:1/ });
    } finally {
      await other.dispose();
    }
  });
});

test('what a killed platform left in memory is gone with the next one', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  const { root } = new SecretFiles(join(kit.runDir, 'build'));
  mkdirSync(join(root, 'left'));
  writeFileSync(join(root, 'left', 'token'), value);
  const { runDir, stateDir, store, sandbox, identities } = kit;
  const build = { timeoutMs: 1000, memoryBytes: 2 ** 28, diskBytes: 2 ** 28, concurrent: 1, env: {} };
  await createBuilder({ runDir, stateDir, store, sandbox, identities, build });
  assert.deepEqual(readdirSync(root), []);
});

test('every line of a secret is masked wherever it stands, the longest first, and short ones are left', () => {
  const mask = createMask({ a: Buffer.from('abcdefgh\nsecond-line\r\nno'), b: Buffer.from('abcdefghijkl') });
  assert.equal(mask('xabcdefghijklx abcdefgh second-line no'), 'x***x *** *** no');
  assert.equal(createMask({})('abc'), 'abc');
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { covers } from '../support/covers.ts';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { buildFaasCli } from './faas-cli.ts';

const client = buildFaasCli();

suite('the real faas-cli', async () => {
  let platform: TestPlatform;
  let dir: string;

  const faas = async (args: readonly string[], stdin = ''): Promise<{ code: number; output: string }> => {
    const file = 'file' in client ? client.file : '';
    const child = spawn(file, [...args], {
      cwd: dir,
      env: { PATH: process.env['PATH'], HOME: dir, OPENFAAS_CONFIG: join(dir, 'config'), OPENFAAS_URL: platform.url },
    });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stdin.end(stdin);
    const [code] = (await once(child, 'close')) as [number];
    return { code, output: Buffer.concat(chunks).toString() };
  };
  const ok = async (args: readonly string[], stdin = ''): Promise<string> => {
    const { code, output } = await faas(args, stdin);
    assert.equal(code, 0, `faas-cli ${args.join(' ')}: ${output}`);
    return output;
  };
  const build = async (answer: string): Promise<void> => {
    writeFileSync(join(dir, 'handler.js'), `module.exports = async () => '${answer}';\n`);
    const built = await platform.cli(
      ['build', '--image', 'greet:1', '--lang', 'node', '--handler', '.', '--name', 'greet'],
      { cwd: dir },
    );
    assert.equal(built.code, 0, built.stderr);
  };

  test('walks through the life of a function with exit code 0', async (t) => {
    if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
    platform = await startPlatform();
    t.after(() => platform.dispose());
    dir = tempDir(t);
    const password = readFileSync(join(platform.stateDir, 'password'), 'utf8').trim();

    await t.test('login refuses a wrong password and takes the right one', async () => {
      covers('command', 'login');
      assert.notEqual((await faas(['login', '--password-stdin'], 'wrong')).code, 0);
      assert.match(await ok(['login', '--password-stdin'], password), /credentials saved/);
    });
    await t.test('deploys an artifact built here and calls it', async () => {
      covers('command', 'deploy', 'ready', 'invoke');
      await build('one');
      assert.match(await ok(['deploy', '--image', 'greet:1', '--name', 'greet']), /202|Deployed/);
      await ok(['ready', 'greet', '--attempts', '50', '--interval', '100ms']);
      assert.match(await ok(['invoke', 'greet'], 'x'), /one/);
    });
    await t.test('a rebuild of the same tag takes effect with the next deploy', async () => {
      await build('two');
      await ok(['deploy', '--image', 'greet:1', '--name', 'greet']);
      await until('the new build answers', async () => (await ok(['invoke', 'greet'], 'x')).includes('two'));
    });
    await t.test('an image that is not in the index is refused with 400', async () => {
      const { code, output } = await faas(['deploy', '--image', 'nowhere:9', '--name', 'nowhere']);
      assert.notEqual(code, 0);
      assert.match(output, /400/);
      assert.match(output, /nowhere:9/);
    });
    await t.test('list, describe, logs and version show it', async () => {
      covers('command', 'list', 'describe', 'logs', 'version');
      assert.match(await ok(['list']), /greet\s+\d+\s+1/);
      assert.match(await ok(['describe', 'greet']), /Ready/);
      await ok(['logs', 'greet', '--tail=false']);
      assert.match(await ok(['version', '--warn-update=false']), /tinderbox/);
    });
    await t.test('secrets are made, listed, changed and removed', async () => {
      covers('command', 'secret create', 'secret list', 'secret update', 'secret remove');
      await ok(['secret', 'create', 'token', '--from-literal', 'a']);
      assert.match(await ok(['secret', 'list']), /token/);
      await ok(['secret', 'update', 'token', '--from-literal', 'b']);
      await ok(['secret', 'remove', 'token']);
    });
    await t.test('namespaces are made, listed and removed', async () => {
      covers('command', 'namespace create', 'namespace list', 'namespace remove');
      await ok(['namespace', 'create', 'dev']);
      assert.match(await ok(['namespace', 'list']), /dev/);
      await ok(['namespace', 'remove', 'dev']);
    });
    await t.test('remove takes it away', async () => {
      covers('command', 'remove');
      await ok(['remove', 'greet']);
      await until('the list is empty', async () => !(await ok(['list'])).includes('greet'));
    });
  });
});

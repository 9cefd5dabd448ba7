import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { covers } from '../support/covers.ts';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { buildFaasCli, buildOldFaasCli, runProgram } from './go-program.ts';

/** Without what a measurement or a clock changes between two looks. */
const linesOf = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => !/^ *(RAM|CPU|Usage|Invocations):/.test(line));

const clients = [
  { name: 'the newest faas-cli', client: buildFaasCli() },
  { name: 'a faas-cli of the old line', client: buildOldFaasCli() },
];

for (const { name, client } of clients) {
  const isOld = name.includes('old');

  suite(name, () => {
    let platform: TestPlatform;
    let dir: string;

    const faas = async (args: readonly string[], stdin = ''): Promise<{ code: number; output: string }> => {
      const file = 'file' in client ? client.file : '';
      const env = { OPENFAAS_CONFIG: join(dir, 'config'), OPENFAAS_URL: platform.url };
      return runProgram(file, args, { cwd: dir, env, stdin });
    };
    const ok = async (args: readonly string[], stdin = ''): Promise<string> => {
      const { code, output } = await faas(args, stdin);
      assert.equal(code, 0, `faas-cli ${args.join(' ')}: ${output}`);
      return output;
    };
    const build = async (answer: string): Promise<void> => {
      const folder = join(dir, 'greet');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'handler.js'), `module.exports = async () => '${answer}';\n`);
      const built = await platform.cli(
        ['build', '--image', 'greet:1', '--lang', 'node', '--handler', 'greet', '--name', 'greet'],
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

      await t.test('login refuses a wrong password and takes the right one; logout forgets it', async () => {
        covers('command', 'login', 'logout');
        covers('variable', 'faas-cli OPENFAAS_URL', 'faas-cli OPENFAAS_CONFIG');
        assert.notEqual((await faas(['login', '--password-stdin'], 'wrong')).code, 0);
        assert.match(await ok(['login', '--password-stdin'], password), /credentials saved/);
        await ok(['logout']);
        assert.notEqual((await faas(['list'])).code, 0);
        await ok(['login', '--password-stdin'], password);
      });
      await t.test('deploys an artifact built here and calls it', async () => {
        covers('command', 'deploy', 'invoke');
        await build('one');
        assert.match(await ok(['deploy', '--image', 'greet:1', '--name', 'greet']), /202|Deployed/);
        await until('it is available', async () => /greet\s+\d+\s+1/.test(await ok(['list'])));
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
        const looks = isOld ? [] : ['list', 'list --verbose', 'describe greet', 'describe greet --verbose'];
        for (const words of looks.map((line) => line.split(' '))) {
          const theirs = linesOf(await ok(words));
          const ours = linesOf((await platform.cli(words, { cwd: dir })).stdout);
          // The order of a Go map differs from run to run, and what only tinderbox knows stands below.
          assert.deepEqual(ours.slice(0, theirs.length).sort(), theirs.sort(), words.join(' '));
        }
        await ok(['logs', 'greet', '--tail=false']);
        assert.match(await ok(['version', '--warn-update=false']), /tinderbox/);
      });
      await t.test('secrets are made, listed, changed and removed', async () => {
        covers('command', 'secret create', 'secret list', 'secret update', 'secret remove');
        await ok(['secret', 'create', 'token', '--from-literal', 'a']);
        assert.match(await ok(['secret', 'list']), /token/);
        await ok(['secret', 'update', 'token', '--from-literal', 'b']);
        await ok(['secret', 'remove', 'token']);
        assert.doesNotMatch(await ok(['secret', 'list']), /token/);
      });
      await t.test('secrets of files are trimmed when they are text, and byte for byte when they are not', async () => {
        const bytes = Buffer.from([0, 255, 254, 10]);
        writeFileSync(join(dir, 'text.txt'), 'word\n');
        writeFileSync(join(dir, 'bytes.bin'), bytes);
        await ok(['secret', 'create', 'text', '--from-file', 'text.txt']);
        await ok(['secret', 'create', 'whole', '--from-file', 'text.txt', '--trim=false']);
        await ok(['secret', 'create', 'bytes', '--from-file', 'bytes.bin']);
        const secrets = ['text', 'whole', 'bytes'].flatMap((secret) => ['--secret', secret]);
        await ok(['deploy', '--image', 'greet:1', '--name', 'reader', ...secrets]);
        const read = async (secret: string): Promise<string> => {
          const command = ['sh', '-c', `base64 -w0 < "$OPENFAAS_SECRETS_DIR/${secret}"`];
          let shown = '';
          await until('it can be asked', async () => {
            const asked = await platform.cli(['exec', 'reader', '--', ...command], { cwd: dir });
            shown = asked.stdout;
            return asked.code === 0;
          });
          return Buffer.from(shown, 'base64').toString('latin1');
        };
        const found = [await read('text'), await read('whole'), await read('bytes')];
        assert.deepEqual(found, ['word', 'word\n', bytes.toString('latin1')]);
        await ok(['remove', 'reader']);
      });
      await t.test('a function lives in a namespace of its own beside one of the same name', async () => {
        const made = { name: 'dev', labels: { openfaas: '1' } };
        const answer = await platform.fetch('/system/namespace/', { method: 'POST', body: JSON.stringify(made) });
        assert.equal(answer.status, 201);
        await ok(['deploy', '--image', 'greet:1', '--name', 'greet', '--namespace', 'dev']);
        assert.match(await ok(['list', '--namespace', 'dev']), /greet/);
        assert.match(await ok(['describe', 'greet', '--namespace', 'dev']), /greet/);
        await ok(['remove', 'greet', '--namespace', 'dev']);
        await until('it is gone', async () => !(await ok(['list', '--namespace', 'dev'])).includes('greet'));
        assert.match(await ok(['list']), /greet/);
        assert.match(await ok(['namespaces']), /dev/);
      });
      if (!isOld) {
        await t.test('namespaces are made, shown, changed, listed and removed', async () => {
          covers('command', 'namespace create', 'namespace get', 'namespace list');
          covers('command', 'namespace update', 'namespace remove');
          await ok(['namespace', 'create', 'test', '--label', 'team=a']);
          assert.match(await ok(['namespace', 'get', 'test']), /test/);
          await ok(['namespace', 'update', 'test', '--label', 'team=b']);
          assert.match(await ok(['namespace', 'get', 'test']), /team=b|team:b|b/);
          assert.match(await ok(['namespace', 'list']), /test/);
          await ok(['namespace', 'remove', 'test']);
          assert.doesNotMatch(await ok(['namespace', 'list']), /test/);
        });
        await t.test('ready waits for a function and for the gateway', async () => {
          covers('command', 'ready');
          await ok(['ready', 'greet', '--attempts', '50', '--interval', '100ms']);
          await ok(['ready', '--attempts', '50', '--interval', '100ms']);
        });
      }
      await t.test('remove takes it away', async () => {
        covers('command', 'remove');
        await ok(['remove', 'greet']);
        await until('the list is empty', async () => !(await ok(['list'])).includes('greet'));
        assert.notEqual((await faas(['remove', 'greet'])).code, 0);
      });
    });
  });
}

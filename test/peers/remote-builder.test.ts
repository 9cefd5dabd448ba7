import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { covers, differs } from '../support/covers.ts';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { buildFaasCli, buildGoProgram, runProgram } from './go-program.ts';

const cli = buildFaasCli();
const library = buildGoProgram('builder-client', 'go-builder');
const missing = [cli, library]
  .map((client) => ('missing' in client ? client.missing : ''))
  .join(' ')
  .trim();
const fileOf = (client: typeof cli): string => ('file' in client ? client.file : '');

function write(dir: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
}

/** A template as OpenFaaS's users keep them beside their functions; the Dockerfile is what this engine does not need. */
const template = {
  'template/node/template.yml': 'language: node\nfprocess: node index.js\n',
  'template/node/Dockerfile': 'FROM node:22\nCOPY . .\nCMD ["node", "index.js"]\n',
  'template/node/function/handler.js': 'module.exports = async () => "of the template";\n',
};

suite('OpenFaaS’s clients build here', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform.dispose());

  const deployAndCall = async (image: string, name: string): Promise<string> => {
    const body = JSON.stringify({ service: name, image });
    const answer = await platform.fetch('/system/functions', { method: 'POST', body });
    assert.equal(answer.status, 202, await answer.text());
    return until('it answers', async () => {
      const called = await fetch(`${platform.url}/function/${name}`);
      return called.status === 200 && (await called.text());
    });
  };

  test('faas-cli publish --remote-builder builds, says why it cannot, and is refused without the secret', async (t) => {
    covers('command', 'publish --remote-builder');
    differs('endpoint', 'POST /build', 'the image stays in the index of this platform and is pushed to no registry');
    if (!requirement(t, missing === '', missing)) return;
    const dir = tempDir(t);
    const stack = (fail: boolean): string =>
      [
        'version: 1.0',
        `provider: { name: openfaas, gateway: ${platform.url} }`,
        'functions:',
        '  greet:',
        '    lang: node',
        '    handler: ./greet',
        '    image: registry.example/team/greet:1.2',
        `    build_args: { FAIL: "${fail ? 'yes' : ''}", COLOUR: blue }`,
      ].join('\n');
    write(dir, {
      ...template,
      'stack.yml': stack(false),
      'greet/handler.js': 'module.exports = async () => require("./colour.json");\n',
      'greet/package.json': JSON.stringify({ scripts: { install: 'sh make.sh' } }),
      'greet/make.sh': 'test -z "$FAIL" || { echo "no luck today"; exit 7; }\necho "\\"$COLOUR\\"" > colour.json\n',
    });
    const secret = join(platform.stateDir, 'payload-secret');
    const publish = (payloadSecret: string): Promise<{ code: number; output: string }> => {
      const args = ['publish', '-f', 'stack.yml', '--remote-builder', `${platform.url}/build`];
      return runProgram(fileOf(cli), [...args, '--payload-secret', payloadSecret], { cwd: dir });
    };

    const built = await publish(secret);
    assert.equal(built.code, 0, built.output);
    assert.match(built.output, /greet success building and pushing image: registry\.example\/team\/greet:1\.2/);
    assert.equal(await deployAndCall('registry.example/team/greet:1.2', 'greet'), 'blue');

    write(dir, { 'stack.yml': stack(true) });
    const failed = await publish(secret);
    assert.notEqual(failed.code, 0);
    assert.match(failed.output, /no luck today/);
    assert.match(failed.output, /greet failure while building/);

    write(dir, { 'other-secret': 'not the secret' });
    const refused = await publish(join(dir, 'other-secret'));
    assert.notEqual(refused.code, 0);
    // Newer releases print the code alone.
    assert.match(refused.output, /X-Build-Signature is not that of the body|builder responded with status code 401/);
  });

  test('OpenFaaS’s own library streams the log, and its sealed secrets reach the build and nothing else', async (t) => {
    covers('endpoint', 'GET /publickey');
    if (!requirement(t, missing === '', missing)) return;
    const dir = tempDir(t);
    const token = 'sealed-token-0123456789';
    write(dir, {
      'source/function/handler.js': 'module.exports = async () => require("./made.json");\n',
      'source/Dockerfile': 'FROM scratch\n',
      'source/function/package.json': JSON.stringify({ scripts: { install: 'sh make.sh' } }),
      'source/function/make.sh': [
        'test "$(wc -c < $OPENFAAS_SECRETS_DIR/token)" = 23 || exit 9',
        'echo "seen $(cat $OPENFAAS_SECRETS_DIR/token) $COLOUR" >&2',
        'tr a-z n-za-m < $OPENFAAS_SECRETS_DIR/token | sed "s/.*/\\"&\\"/" > made.json\n',
      ].join('\n'),
      'payload-secret': readSecret(platform),
    });
    const run = (image: string, ...secrets: string[]): Promise<{ code: number; output: string }> =>
      runProgram(fileOf(library), [platform.url, join(dir, 'payload-secret'), join(dir, 'source'), image, ...secrets], {
        cwd: dir,
      });
    const built = await run('sealed:1', `token=${token}`);
    assert.equal(built.code, 0, built.output);
    assert.match(built.output, /success sealed:1/);
    assert.doesNotMatch(built.output, new RegExp(token));
    assert.equal(await deployAndCall('sealed:1', 'sealed'), 'frnyrq-gbxra-0123456789');
    const found = spawnSync('grep', ['-rlF', token, platform.runDir, platform.stateDir], { encoding: 'utf8' });
    assert.equal(found.stdout, '');
    assert.equal(found.status, 1);
    assert.doesNotMatch(platform.output(), new RegExp(token));

    write(dir, { 'source/function/other.js': '' });
    const without = await run('sealed:2');
    assert.equal(without.code, 1);
    assert.match(without.output, /failed sealed:2 build step npm-install failed/);
  });
});

function readSecret(platform: TestPlatform): string {
  return spawnSync('cat', [join(platform.stateDir, 'payload-secret')], { encoding: 'utf8' }).stdout;
}

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { type TestPlatform, usePlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = resolve(import.meta.dirname, '../..');
/** Its blocks have a test of their own, src/cli/docs.test.ts. */
const elsewhere = ['cli.md'];
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md') && !elsewhere.includes(name))
    .map((name) => join('docs', name)),
];

interface Block {
  readonly language: string;
  readonly text: string;
  /** Why it is not run, from a comment in front of it. */
  readonly exempt: string | undefined;
}

function readBlocks(page: string): readonly Block[] {
  const text = readFileSync(join(root, page), 'utf8');
  const found = text.matchAll(/(?:<!-- not run by readme\.test\.ts: (.+) -->\n)?^```(\w+)\n([^]*?)^```$/gm);
  return [...found].map(([, exempt, language = '', block = '']) => ({ language, text: block, exempt }));
}

/** What a user's shell would run, one block after the other, with addresses and folders of this test in their place. */
function runBlocks(blocks: readonly Block[], platform: TestPlatform, dir: string): string {
  const script = blocks
    .map(({ text }) => text)
    .join('')
    .replaceAll('http://127.0.0.1:8080', platform.url)
    .replaceAll('/tmp/demo', join(dir, 'demo'))
    .replaceAll(/^curl /gm, 'curl --silent --show-error --fail ');
  const env = { ...process.env, OPENFAAS_URL: platform.url, TINDERBOX_DATA_DIR: platform.stateDir };
  const result = spawnSync('sh', ['-eux'], { cwd: root, env, input: script, encoding: 'utf8' });
  assert.equal(result.status, 0, `${script}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

suite('the documentation', () => {
  for (const page of pages) {
    const blocks = readBlocks(page).filter(({ language, exempt }) => language === 'sh' && exempt === undefined);
    if (blocks.length === 0) continue;
    test(`every command block of ${page} runs, in order`, async (t) => {
      const platform = await usePlatform(t);
      const output = runBlocks(blocks, platform, tempDir(t));
      if (page === 'README.md') assert.match(output, /HELLO THERE/);
    });
  }

  test('every function the README shows can be deployed and answers', async (t) => {
    const platform = await usePlatform(t);
    const dir = tempDir(t);
    const call = async (name: string): Promise<string> => {
      const answer = await fetch(`${platform.url}/function/${name}`, { method: 'POST', body: 'one two' });
      assert.equal(answer.status, 200);
      return await answer.text();
    };
    const deploy = async (...args: readonly string[]): Promise<void> => {
      const result = await platform.cli(['deploy', ...args], { cwd: dir });
      assert.equal(result.code, 0, result.stderr);
    };
    const shown = readBlocks('README.md').filter(({ language }) => ['js', 'ts', 'python', 'yaml'].includes(language));
    assert.equal(shown.length, 4);
    for (const { language, text } of shown) {
      const [, file = ''] = /^(?:\/\/|#) (\S+\.\w+)/.exec(text) ?? [];
      writeFileSync(join(dir, file), text);
      if (language === 'yaml') {
        cpSync(join(root, 'examples', 'wordcount'), join(dir, 'wordcount'), { recursive: true });
        await deploy('-f', file);
        assert.match(await call('wordcount'), /\b2\b/);
      } else {
        await deploy(file, '--name', language);
        assert.match(await call(language), /one two/);
      }
    }
  });
});

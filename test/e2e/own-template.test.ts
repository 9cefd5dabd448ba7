import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { usePlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A template of one's own, in the shape of OpenFaaS's: a main of its own around the handler, and a Dockerfile. */
const template = {
  'template/shout/template.yml': 'language: node\nfprocess: node index.js\nwelcome_message: Write handler.js.\n',
  'template/shout/Dockerfile':
    'FROM node:22\nENV mode="http"\nENV upstream_url="http://127.0.0.1:3000"\nENV TONE="loud"\n',
  'template/shout/index.js': `const { createServer } = require('node:http');
const handle = require('./function/handler');
createServer((request, response) => {
  request.resume().on('end', () => response.end(handle(process.env.TONE).toUpperCase()));
}).listen(process.env.PORT || 3000);
`,
  'template/shout/function/handler.js': 'module.exports = (tone) => `hello, ${tone}`;\n',
};

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function commit(folder: string): void {
  const git = (...args: readonly string[]): void => {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: folder });
  };
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-qm', 'one');
  git('tag', 'v1');
}

test('a template of one’s own is pulled by its tag, used, tuned and built again', async (t) => {
  const platform = await usePlatform(t);
  const [repository, cwd] = [tempDir(t), tempDir(t)];
  write(repository, template);
  commit(repository);
  const cli = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await platform.cli(args, { cwd, stdin: 'x' });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout + stderr;
  };
  assert.match(await cli('template', 'pull', `${repository}#v1`), /Wrote 1 template\(s\): shout@v1\n/);
  assert.match(await cli('new', 'greet', '--lang', 'shout@v1'), /Notes:\nWrite handler\.js\.\n/);
  assert.match(await cli('up', '-f', 'stack.yaml'), /Dockerfile: images are not used \(node:22\)/);
  assert.match(await cli('invoke', 'greet'), /HELLO, LOUD/);

  const main = join(cwd, 'template/shout@v1/index.js');
  writeFileSync(main, readFileSync(main, 'utf8').replace('.toUpperCase()', " + ' (tuned)'"));
  await cli('up', '-f', 'stack.yaml');
  assert.match(await cli('invoke', 'greet'), /hello, loud \(tuned\)/);
});

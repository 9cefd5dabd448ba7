import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { listTemplates } from './scaffold/templates.ts';
import { parseStack } from './stack/parse-stack.ts';
import { type CliRun, runInTest } from './testing/test-shell.ts';
import { covers } from '../../test/support/covers.ts';

const run = (cwd: string, line: string, env: Record<string, string> = {}): Promise<CliRun> =>
  runInTest(['new', ...line.split(' ')], { cwd, env: { OPENFAAS_TEMPLATE_STORE_URL: './no-store.json', ...env } });

test('a language whose compiler writes into the folder brings a .gitignore', async (t) => {
  const cwd = tempDir(t);
  for (const lang of ['java', 'kotlin', 'rust']) {
    assert.equal((await run(cwd, `${lang} --lang ${lang}`)).exitCode, 0);
    assert.equal(readFileSync(join(cwd, lang, '.gitignore'), 'utf8'), 'target/\n');
    assert.ok(!existsSync(join(cwd, lang, 'gitignore')));
  }
});

test('a new function has a folder and an entry that the stack parser takes, for every template', async (t) => {
  const cwd = tempDir(t);
  const templates = await listTemplates();
  assert.ok(templates.includes('node'));
  for (const template of templates) {
    const made = await run(cwd, `fn-${template} --lang ${template}`);
    assert.equal(made.exitCode, 0, made.stderr);
    assert.ok(existsSync(join(cwd, `fn-${template}`)));
  }
  const text = readFileSync(join(cwd, 'stack.yaml'), 'utf8');
  const stack = parseStack({ text, file: 'stack.yaml', directory: cwd, env: {} });
  assert.deepEqual(
    stack.functions.map((fn) => fn.lang),
    templates,
  );
});

test('the spellings of faas-cli and its prefix are understood', async (t) => {
  covers('command', 'new');
  covers('variable', 'faas-cli OPENFAAS_PREFIX');
  const cwd = tempDir(t);
  const made = await run(cwd, 'hello --lang node22', { OPENFAAS_PREFIX: 'registry.example/team/' });
  assert.equal(
    made.stdout,
    'Made hello/ and its entry in stack.yaml.\nDeploy it with: tinderbox deploy -f stack.yaml\n\nNotes:\nEdit handler.js, try it with `node --test`, then run `tinderbox deploy`.\n',
  );
  assert.equal(
    readFileSync(join(cwd, 'stack.yaml'), 'utf8'),
    `version: "1.0"
provider:
  name: openfaas
  gateway: http://127.0.0.1:8080
functions:
  hello:
    lang: node
    handler: ./hello
    image: registry.example/team/hello:0.1.0
`,
  );
});

test('amounts, gateway and what git is to pass over are written down', async (t) => {
  const cwd = tempDir(t);
  const amounts = '--memory-limit 128Mi --cpu-limit 500m --memory-request 64Mi --cpu-request 100m';
  const made = await run(cwd, `hello --lang node -q -g http://faas.example:8080/ ${amounts}`);
  assert.equal(made.exitCode, 0, made.stderr);
  const text = readFileSync(join(cwd, 'stack.yaml'), 'utf8');
  const stack = parseStack({ text, file: 'stack.yaml', directory: cwd, env: {} });
  assert.equal(stack.gateway, 'http://faas.example:8080');
  assert.deepEqual(
    [stack.functions[0]?.limits, stack.functions[0]?.requests],
    [
      { memory: '128Mi', cpu: '500m' },
      { memory: '64Mi', cpu: '100m' },
    ],
  );
  assert.equal(readFileSync(join(cwd, '.gitignore'), 'utf8'), 'template\nbuild\n.secrets\n');
  writeFileSync(join(cwd, '.gitignore'), '/build/\nmine');
  await run(cwd, 'again --lang node -q -f stack.yaml');
  assert.equal(readFileSync(join(cwd, '.gitignore'), 'utf8'), '/build/\nmine\ntemplate\n.secrets\n');
  assert.match(
    (await run(cwd, 'third --lang node --memory-limit lots')).stderr,
    /limits\.memory "lots" is not a quantity/,
  );
});

test('a template of the project is taken before one of the same name, with its notes', async (t) => {
  const cwd = tempDir(t);
  mkdirSync(join(cwd, 'template', 'node', 'src'), { recursive: true });
  writeFileSync(join(cwd, 'template', 'node', 'template.yml'), 'handler_folder: src\nwelcome_message: Well done.\n');
  writeFileSync(join(cwd, 'template', 'node', 'src', 'mine.js'), '');
  const made = await run(cwd, 'hello --lang node');
  assert.match(made.stdout, /\nNotes:\nWell done\.\n$/);
  assert.ok(existsSync(join(cwd, 'hello', 'mine.js')));
  assert.doesNotMatch((await run(cwd, 'quiet --lang node --quiet')).stdout, /Notes/);
  assert.equal((await run(cwd, '--list')).stdout.split('\n')[0], 'node');
});

test('a language that is not known is looked for in the template store', async (t) => {
  const [cwd, repository] = [tempDir(t), tempDir(t)];
  mkdirSync(join(repository, 'template', 'whisper', 'function'), { recursive: true });
  writeFileSync(join(repository, 'template', 'whisper', 'function', 'handler.wsp'), 'psst');
  const git = (...args: readonly string[]): Buffer =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@x', ...args], { cwd: repository });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'x');
  writeFileSync(join(cwd, 'store.json'), JSON.stringify([{ template: 'whisper', repo: repository }]));
  const env = { PATH: process.env['PATH'] ?? '', OPENFAAS_TEMPLATE_STORE_URL: 'store.json' };
  const made = await run(cwd, 'hello --lang whisper', env);
  assert.equal(made.exitCode, 0, made.stderr);
  assert.equal(readFileSync(join(cwd, 'hello', 'handler.wsp'), 'utf8'), 'psst');
  assert.ok(existsSync(join(cwd, 'template', 'whisper', 'meta.json')));
});

test('a store that cannot be asked is told of: what is not known here may be there', async (t) => {
  const store = 'http://127.0.0.1:9/templates.json';
  const refused = await run(tempDir(t), 'hello --lang whisper', { OPENFAAS_TEMPLATE_STORE_URL: store });
  assert.equal(refused.exitCode, 2);
  assert.match(
    refused.stderr,
    /^error: lang "whisper" is not known, and the template store http:\/\/127\.0\.0\.1:9\/templates\.json cannot be reached: .+\nhint: known languages: .*template pull REPOSITORY\n$/,
  );
});

test('an entry is added to the file that is there, comments and all, and never over another', async (t) => {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'stack.yml'), '# ours\nfunctions:\n  old: {handler: ./old} # kept\n');
  assert.equal((await run(cwd, 'fresh --lang python3-http --handler src/fresh')).exitCode, 0);
  const text = readFileSync(join(cwd, 'stack.yml'), 'utf8');
  assert.match(
    text,
    /^# ours\nfunctions:\n {2}old: *\{ *handler: \.\/old *\} # kept\n {2}fresh:\n {4}lang: python3\n {4}handler: \.\/src\/fresh\n/,
  );
  const again = await run(cwd, 'fresh --lang node --handler elsewhere');
  assert.deepEqual([again.exitCode, existsSync(join(cwd, 'elsewhere'))], [5, false]);
  assert.equal(readFileSync(join(cwd, 'stack.yml'), 'utf8'), text);
});

test('a stack file behind a link is changed where it is, and nobody else may read it then', async (t) => {
  const cwd = tempDir(t);
  const file = join(cwd, 'mine.yaml');
  writeFileSync(file, 'functions: {}\n', { mode: 0o600 });
  symlinkSync('mine.yaml', join(cwd, 'stack.yaml'));
  const { exitCode, stderr } = await run(cwd, 'hello --lang node');
  assert.equal(exitCode, 0, stderr);
  assert.match(readFileSync(file, 'utf8'), /hello:/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a stack file in a folder that is not there yet is made with it', async (t) => {
  const cwd = tempDir(t);
  const { exitCode, stderr } = await run(cwd, 'hello --lang node -a deep/stack.yaml');
  assert.equal(exitCode, 0, stderr);
  assert.match(readFileSync(join(cwd, 'deep/stack.yaml'), 'utf8'), /handler: \.\/\.\.\/hello/);
});

test('a folder with something in it stays as it is', async (t) => {
  const cwd = tempDir(t);
  mkdirSync(join(cwd, 'hello'));
  writeFileSync(join(cwd, 'hello', 'mine'), '');
  const refused = await run(cwd, 'hello --lang node');
  assert.equal(refused.exitCode, 5);
  assert.match(refused.stderr, /hello exists and is not empty\nhint: take another name/);
  assert.ok(!existsSync(join(cwd, 'stack.yaml')));
});

test('a name or language that cannot be is refused with what can', async (t) => {
  const cwd = tempDir(t);
  assert.match((await run(cwd, 'Hello --lang node')).stderr, /function name "Hello" is not valid/);
  assert.match((await run(cwd, 'hello --lang nodde')).stderr, /lang "nodde" is not known\nhint: did you mean "node"\?/);
  assert.match((await run(cwd, 'hello --lang dockerfile')).stderr, /container builder.*\nhint: use lang exec/);
  assert.match(
    (await run(cwd, 'hello --lang csharp')).stderr,
    /"csharp" is not built here: .*\nhint: .*dotnet publish/,
  );
  assert.match((await run(cwd, 'hello')).stderr, /no language given\nhint: tinderbox new NAME --lang node/);
  assert.ok(!existsSync(join(cwd, 'hello')));
  assert.match((await run(cwd, '--list')).stdout, /^node$/m);
});

test('a broken stack file is not overwritten', async (t) => {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'stack.yaml'), 'functions: {a: [\n');
  assert.equal((await run(cwd, 'hello --lang node')).exitCode, 2);
  assert.equal(readFileSync(join(cwd, 'stack.yaml'), 'utf8'), 'functions: {a: [\n');
  assert.ok(!existsSync(join(cwd, 'hello')));
});

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { listTemplates } from './scaffold/templates.ts';
import { parseStack } from './stack/parse-stack.ts';
import { type CliRun, runInTest } from './testing/test-shell.ts';

const run = (cwd: string, line: string, env: Record<string, string> = {}): Promise<CliRun> =>
  runInTest(['new', ...line.split(' ')], { cwd, env });

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
  const cwd = tempDir(t);
  const made = await run(cwd, 'hello --lang node22', { OPENFAAS_PREFIX: 'registry.example/team/' });
  assert.equal(
    made.stdout,
    'Made hello/ and its entry in stack.yaml.\nDeploy it with: tinderbox deploy -f stack.yaml\n',
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
    image: registry.example/team/hello:latest
`,
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

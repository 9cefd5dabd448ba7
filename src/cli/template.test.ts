import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { fakeLogin, startFakePlatform } from './testing/fake-platform.ts';
import { type CliRun, runInTest } from './testing/test-shell.ts';
import { covers } from '../../test/support/covers.ts';

const identity = { GIT_AUTHOR_NAME: 't', GIT_AUTHOR_EMAIL: 't@x', GIT_COMMITTER_NAME: 't', GIT_COMMITTER_EMAIL: 't@x' };

function git(cwd: string, ...args: readonly string[]): string {
  const env = { PATH: process.env['PATH'], HOME: cwd, ...identity };
  return execFileSync('git', [...args], { cwd, env, encoding: 'utf8' }).trim();
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

interface Repository {
  readonly folder: string;
  readonly first: string;
  readonly second: string;
}

/** A git repository with two templates; the tag v1 is the first of its two commits. */
function createRepository(t: TestContext): Repository {
  const folder = tempDir(t);
  write(folder, {
    'template/shout/template.yml':
      'language: exec\nfprocess: sh main.sh\nhandler_folder: src\nwelcome_message: |\n  Shout it out.\nbuild_options:\n- name: loud\n  packages: [horn, drum]\n',
    'template/shout/main.sh': 'sh src/handler.sh | tr a-z A-Z\n',
    'template/shout/src/handler.sh': 'cat\n',
    'template/plain/template.yml': 'language: node\n',
    'template/plain/function/handler.js': 'module.exports = async () => 1\n',
  });
  git(folder, 'init', '-q', '-b', 'master');
  git(folder, 'add', '.');
  git(folder, 'commit', '-qm', 'one');
  git(folder, 'tag', 'v1');
  const first = git(folder, 'rev-parse', 'HEAD');
  write(folder, { 'template/shout/main.sh': 'echo two\n' });
  git(folder, 'commit', '-qam', 'two');
  return { folder, first, second: git(folder, 'rev-parse', 'HEAD') };
}

const run = (cwd: string, words: readonly string[], env: Record<string, string> = {}): Promise<CliRun> =>
  runInTest(words, { cwd, env: { PATH: process.env['PATH'] ?? '', ...env } });

const metaOf = (cwd: string, name: string): Record<string, string> =>
  JSON.parse(readFileSync(join(cwd, 'template', name, 'meta.json'), 'utf8')) as Record<string, string>;

test('pull copies all templates of a repository, each with where it came from', async (t) => {
  const [{ folder, second }, cwd] = [createRepository(t), tempDir(t)];
  const pulled = await run(cwd, ['template', 'pull', folder]);
  assert.deepEqual([pulled.exitCode, pulled.stdout], [0, 'Wrote 2 template(s): plain, shout\n'], pulled.stderr);
  assert.equal(readFileSync(join(cwd, 'template/shout/main.sh'), 'utf8'), 'echo two\n');
  const { written_at: written = '', ...meta } = metaOf(cwd, 'shout');
  assert.deepEqual(meta, { repository: folder, sha: second });
  assert.ok(!Number.isNaN(Date.parse(written)));
});

test('a tag, a branch and a commit stand side by side with the newest', async (t) => {
  const [{ folder, first }, cwd] = [createRepository(t), tempDir(t)];
  const asked = [`${folder}#v1`, `${folder}@master`, `${folder}#sha-${first.slice(0, 7)}`, `${folder}@${first}`];
  for (const address of asked) {
    const pulled = await run(cwd, ['template', 'pull', address]);
    assert.equal(pulled.exitCode, 0, pulled.stderr);
  }
  const names = ['shout@v1', 'shout@master', `shout@sha-${first.slice(0, 7)}`, `shout@sha-${first}`];
  const programs = names.map((name) => readFileSync(join(cwd, 'template', name, 'main.sh'), 'utf8'));
  assert.deepEqual(
    programs.map((text) => text === 'echo two\n'),
    [false, true, false, false],
  );
  assert.deepEqual([metaOf(cwd, 'shout@v1')['ref_name'], metaOf(cwd, 'shout@v1')['sha']], ['v1', first]);
});

test('the repository may come from the environment, and what is there is kept on request', async (t) => {
  covers('variable', 'faas-cli OPENFAAS_TEMPLATE_URL');
  const [{ folder }, cwd] = [createRepository(t), tempDir(t)];
  const env = { OPENFAAS_TEMPLATE_URL: folder };
  assert.equal((await run(cwd, ['template', 'pull', '--debug'], env)).exitCode, 0);
  write(cwd, { 'template/shout/mine': 'kept' });
  const kept = await run(cwd, ['template', 'pull', '--overwrite=false'], env);
  assert.deepEqual([kept.exitCode, existsSync(join(cwd, 'template/shout/mine'))], [5, true]);
  assert.match(kept.stderr, /template\/ has these already: plain, shout/);
  assert.equal((await run(cwd, ['template', 'pull', '--overwrite'], env)).exitCode, 0);
  assert.ok(!existsSync(join(cwd, 'template/shout/mine')));
});

test('what is no repository, no ref or no template is refused, and nothing is written', async (t) => {
  const [{ folder }, cwd] = [createRepository(t), tempDir(t)];
  const refused: Readonly<Record<string, RegExp>> = {
    [join(cwd, 'nowhere')]: /git clone failed: .*does not exist/,
    [`${folder}#nope`]: /git clone failed: .*nope/,
    [`${folder}#sha-xyz`]: /"sha-xyz" is not a commit/,
    [`${folder}#sha-0123456`]: /git checkout failed/,
    [`${folder}#-x`]: /"-x" cannot be a branch or tag/,
    [`${folder}#a..b`]: /cannot be a branch or tag/,
    'ext::sh -c whoami': /names a transport that runs a program/,
    '--upload-pack=x': /unknown option/,
  };
  for (const [address, expected] of Object.entries(refused)) {
    const pulled = await run(cwd, ['template', 'pull', address]);
    assert.notEqual(pulled.exitCode, 0);
    assert.match(pulled.stderr, expected);
  }
  assert.ok(!existsSync(join(cwd, 'template')));
});

test('a repository without templates, and one whose template reaches out of itself, are refused', async (t) => {
  const [empty, evil, cwd] = [tempDir(t), tempDir(t), tempDir(t)];
  for (const folder of [empty, evil]) {
    write(folder, { 'README.md': 'x' });
    git(folder, 'init', '-q');
  }
  mkdirSync(join(evil, 'template/spy'), { recursive: true });
  symlinkSync('/etc/passwd', join(evil, 'template/spy/main.sh'));
  for (const folder of [empty, evil]) {
    git(folder, 'add', '.');
    git(folder, 'commit', '-qm', 'x');
  }
  assert.match((await run(cwd, ['template', 'pull', empty])).stderr, /has no folder "template" with templates/);
  assert.match((await run(cwd, ['template', 'pull', evil])).stderr, /holds a link "main.sh" that leaves it/);
  assert.ok(!existsSync(join(cwd, 'template/spy')));
});

test('a repository whose template folder is a link to one of this machine is refused', async (t) => {
  const [outside, evil, cwd] = [tempDir(t), tempDir(t), tempDir(t)];
  write(outside, { 'spy/secret.txt': 'x' });
  git(evil, 'init', '-q');
  symlinkSync(outside, join(evil, 'template'));
  git(evil, 'add', '.');
  git(evil, 'commit', '-qm', 'x');
  assert.match((await run(cwd, ['template', 'pull', evil])).stderr, /has no folder "template" with templates/);
  assert.ok(!existsSync(join(cwd, 'template')));
});

test('a stack file names its templates, and pull stack gets them', async (t) => {
  covers('command', 'template pull stack');
  const [{ folder }, cwd] = [createRepository(t), tempDir(t)];
  const templates = `- {name: shout@v1, source: "${folder}#v1"}`;
  write(cwd, {
    'stack.yaml': `functions:\n  a: {lang: shout@v1, handler: .}\nconfiguration:\n  templates:\n  ${templates}\n`,
  });
  const pulled = await run(cwd, ['template', 'pull', 'stack', '--debug', '--overwrite=false']);
  assert.deepEqual([pulled.exitCode, pulled.stdout], [0, 'Wrote 1 template(s): shout@v1\n'], pulled.stderr);
  assert.ok(!existsSync(join(cwd, 'template/plain')));
  write(cwd, { 'other.yaml': 'functions:\n  a: {handler: .}\n' });
  assert.match(
    (await run(cwd, ['template', 'pull', 'stack', '-f', 'other.yaml'])).stderr,
    /other\.yaml names no templates/,
  );
});

test('a store is listed, described and pulled from, from a file or an address', async (t) => {
  const [{ folder }, cwd] = [createRepository(t), tempDir(t)];
  const entry = { platform: 'x86_64', language: 'Shell', source: 'acme', description: 'Loud', repo: folder };
  const store = [
    { ...entry, template: 'zeta', official: 'false', recommended: false },
    { ...entry, template: 'shout', official: 'true', recommended: true },
    { ...entry, template: 'armed', platform: 'armhf', official: 'true', recommended: false },
  ];
  write(cwd, { 'store.json': JSON.stringify(store) });
  const env = { OPENFAAS_TEMPLATE_STORE_URL: './store.json' };
  const listed = await run(cwd, ['template', 'store', 'list'], env);
  assert.equal(
    listed.stdout,
    'NAME    RECOMMENDED   SOURCE   DESCRIPTION\nshout   [x]           acme     Loud\nzeta    [ ]           acme     Loud\n',
    listed.stderr,
  );
  assert.match(
    (await run(cwd, ['template', 'store', 'ls', '-v'], env)).stdout,
    /LANGUAGE +PLATFORM\n.*Shell +x86_64\n/,
  );
  assert.doesNotMatch((await run(cwd, ['template', 'store', 'list', '-r'], env)).stdout, /zeta/);
  assert.doesNotMatch((await run(cwd, ['template', 'store', 'list', '--official'], env)).stdout, /zeta/);
  assert.match((await run(cwd, ['template', 'store', 'list', '-p', 'armhf'], env)).stdout, /armed/);
  assert.equal((JSON.parse((await run(cwd, ['template', 'store', 'list', '-j'], env)).stdout) as unknown[]).length, 2);
  assert.equal(
    (await run(cwd, ['template', 'store', 'describe', 'acme/shout'], env)).stdout,
    `Name:        shout\nDescription: Loud\nLanguage:    Shell\nSource:      acme\nRepository:  ${folder}\nPlatform:    x86_64\nOfficial:    [x]\nRecommended: [x]\n`,
  );
  assert.match((await run(cwd, ['template', 'store', 'describe', 'shout', '--json'], env)).stdout, /"repo": /);
  assert.equal((await run(cwd, ['template', 'store', 'describe', 'nope'], env)).exitCode, 3);

  const server = createServer((_, response) => response.end(JSON.stringify(store))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/templates.json`;
  const pulled = await run(cwd, [
    'template',
    'store',
    'pull',
    'shout@v1',
    '--url',
    url,
    '--debug',
    '--overwrite=false',
  ]);
  assert.equal(pulled.stdout, 'Wrote 2 template(s): plain@v1, shout@v1\n', pulled.stderr);
});

test('a store that is none, or cannot be reached, is told', async (t) => {
  const cwd = tempDir(t);
  write(cwd, { 'store.json': '{"a":1}' });
  assert.match((await run(cwd, ['template', 'store', 'list', '-u', 'store.json'])).stderr, /is not a template store/);
  assert.equal((await run(cwd, ['template', 'store', 'list', '-u', 'nope.json'])).exitCode, 3);
  const gone = await run(cwd, ['template', 'store', 'list', '-u', 'http://127.0.0.1:9/x']);
  assert.equal(gone.exitCode, 6);
  assert.match(gone.stderr, /cannot be reached: .*\nhint: tinderbox new --list/);
});

interface ProjectBench {
  readonly cwd: string;
  readonly builds: () => readonly { readonly config: object; readonly files: Readonly<Record<string, string>> }[];
  readonly run: (line: string) => Promise<CliRun>;
}

async function createProject(t: TestContext, stack: string): Promise<ProjectBench> {
  const { url, state } = await startFakePlatform(t);
  const cwd = tempDir(t);
  write(cwd, { password: fakeLogin.password, 'stack.yaml': stack, 'hello/handler.sh': 'echo hi\n' });
  const env = { OPENFAAS_URL: url, TINDERBOX_DATA_DIR: cwd };
  return { cwd, builds: () => state.builds, run: (line) => run(cwd, line.split(' '), env) };
}

test('a template of the project is built around the handler, with packages of its build options', async (t) => {
  const { folder } = createRepository(t);
  const stack = `functions:
  hello: {lang: shout, handler: ./hello, image: "hello:1", build_options: [loud], build_args: {ADDITIONAL_PACKAGE: bell}}
configuration:
  copy: [./common]
  templates: [{name: shout, source: "${folder}"}]
`;
  const { cwd, run, builds } = await createProject(t, stack);
  write(cwd, { 'common/shared.sh': 'x', 'extra/more.sh': 'y' });
  const built = await run('build --copy-extra extra');
  assert.equal(built.exitCode, 0, built.stderr);
  const [sent] = builds();
  assert.deepEqual(sent?.config, {
    image: 'hello:1',
    namespace: 'openfaas-fn',
    buildArgs: { ADDITIONAL_PACKAGE: 'bell horn drum' },
    process: 'sh main.sh',
    lang: 'exec',
  });
  const { 'context/meta.json': _, ...files } = sent.files;
  assert.deepEqual(Object.keys(files).sort(), [
    'context/main.sh',
    'context/src/common/shared.sh',
    'context/src/extra/more.sh',
    'context/src/handler.sh',
    'context/template.yml',
  ]);
  assert.equal(files['context/src/handler.sh'], 'echo hi\n');
  assert.match((await run('build -o quiet')).stderr, /hello has the build option "quiet", its template has: loud/);
});

test('a template tuned by hand is what the next build takes', async (t) => {
  const { cwd, run, builds } = await createProject(t, 'functions:\n  hello: {lang: shout, handler: ./hello}\n');
  const { folder } = createRepository(t);
  assert.equal((await run(`template pull ${folder}`)).exitCode, 0);
  await run('build');
  write(cwd, { 'template/shout/main.sh': 'echo tuned\n' });
  await run('build');
  assert.deepEqual(
    builds().map(({ files }) => files['context/main.sh']),
    ['echo two\n', 'echo tuned\n'],
  );
});

test('shrinkwrap writes what would be sent, and sends nothing', async (t) => {
  const { cwd, run, builds } = await createProject(t, 'functions:\n  hello: {lang: shout, handler: ./hello}\n');
  const { folder } = createRepository(t);
  await run(`template pull ${folder}`);
  write(cwd, { 'build/hello/stale': '' });
  assert.equal((await run('build --shrinkwrap')).stdout, 'hello shrink-wrapped to ./build/hello/\n');
  assert.equal(readFileSync(join(cwd, 'build/hello/src/handler.sh'), 'utf8'), 'echo hi\n');
  assert.deepEqual([existsSync(join(cwd, 'build/hello/stale')), builds().length], [false, 0]);
});

test('missing templates of the stack file are left alone on request, and a broken one is told with its line', async (t) => {
  const { folder } = createRepository(t);
  const stack = `functions:\n  hello: {lang: shout, handler: ./hello}\nconfiguration: {templates: [{name: shout, source: "${folder}"}]}\n`;
  const { cwd, run } = await createProject(t, stack);
  assert.match((await run('build --disable-stack-pull')).stderr, /lang "shout" is not known/);
  assert.ok(!existsSync(join(cwd, 'template')));
  write(cwd, { 'template/shout/template.yml': 'language: exec\nfproces: x\n' });
  assert.match(
    (await run('build')).stderr,
    /template\/shout\/template\.yml:2:1: unknown field "fproces" in template\.yml; did you mean "fprocess"\?/,
  );
  write(cwd, { 'template/shout/template.yml': 'handler_folder: ../x\n' });
  assert.match((await run('build')).stderr, /handler_folder "\.\.\/x" leaves the template/);
  write(cwd, { 'template/shout/template.yml': 'a: [\n' });
  assert.match((await run('build')).stderr, /template\/shout\/template\.yml:\d:\d: /);
});

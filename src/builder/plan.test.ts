import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuildOrder } from './build-order.ts';
import { planBuild } from './plan.ts';
import type { BuildPlan } from './plan.ts';
import { compareText } from './source-tree.ts';
import type { SourceEntry } from './source-tree.ts';

type Files = Readonly<Record<string, string>>;

function planOf(files: Files, order: Partial<BuildOrder> = {}): Promise<BuildPlan> {
  const entries = Object.entries(files).map(([path, text]): SourceEntry => {
    return { path, kind: 'file', executable: false, bytes: text.length, target: '' };
  });
  entries.sort((a, b) => compareText(a.path, b.path));
  const tree = { root: '/nowhere', entries, bytes: 0 };
  const nothing = { language: undefined, process: undefined, mode: undefined, buildArgs: {} };
  const complete = { namespace: 'n', directory: '/nowhere', ...nothing, ...order };
  return planBuild(tree, complete, async (path) => files[path] ?? '');
}

const stepsOf = (plan: BuildPlan): string[] => plan.steps.map((step) => step.name);
const textOf = (plan: BuildPlan, path: string): string =>
  plan.files?.find((file) => file.path === path)?.text ?? `no ${path}`;

test('a Go handler is told by its signature, and its main imports the module it names', async () => {
  const module = 'module example.com/mine\n\ngo 1.22\n';
  const shapes = [
    ['func Handle(req []byte) string {', 'fork', /os\.Stdin/],
    ['func Handle(req handler.Request) (handler.Response, error) {', 'http', /sdk\.Request\{/],
    ['func Handle(\n\tw http.ResponseWriter,\n\tr *http.Request,\n) {', 'http', /HandlerFunc\(function\.Handle\)/],
  ] as const;
  for (const [signature, mode, main] of shapes) {
    const source = `package function\n\n${signature}\n}\n`;
    const plan = await planOf({ 'handler.go': source, 'go.mod': module, 'go.sum': '' });
    assert.deepEqual([plan.language, plan.runtime, plan.mode, plan.process], ['go', 'exec', mode, './handler']);
    assert.match(textOf(plan, 'tinderbox_main/main.go'), main);
    assert.match(textOf(plan, 'tinderbox_main/main.go'), /function "example\.com\/mine"/);
    assert.deepEqual(stepsOf(plan), ['go-build']);
  }
});

test('a Go source without modules gets one, and one without sums gets them; a vendor folder is left alone', async () => {
  const handler = { 'handler.go': 'package function\n\nfunc Handle(req []byte) string { return "" }\n' };
  const module = { 'go.mod': 'module handler/function\n' };
  assert.deepEqual(stepsOf(await planOf(handler)), ['go-mod-init', 'go-mod-tidy', 'go-build']);
  assert.deepEqual(stepsOf(await planOf({ ...handler, ...module })), ['go-mod-tidy', 'go-build']);
  assert.deepEqual(stepsOf(await planOf({ ...handler, ...module, 'vendor/modules.txt': '' })), ['go-build']);
});

test('a Go program is built as it is, and called as the order says', async () => {
  const files = { 'main.go': 'package main\n\nfunc main() {}\n', 'go.mod': 'module x\n', 'go.sum': '' };
  const plan = await planOf(files, { mode: 'http' });
  assert.deepEqual([plan.mode, plan.files], ['http', undefined]);
  assert.equal(plan.steps.at(-1)?.args.at(-1), '.');
  assert.equal((await planOf(files)).mode, 'fork');
});

test('each language finds its handler by the files alone', async () => {
  const found: [Files, string, string][] = [
    [{ 'Cargo.toml': '[package]\nname = "mine"\n', 'src/lib.rs': '' }, 'rust', './handler'],
    [{ 'Handler.java': 'class Handler implements HttpHandler {}' }, 'java', 'tinderbox.Main Handler'],
    [
      { 'pom.xml': '', 'src/main/kotlin/H.kt': 'package a.b\n\nclass Handler : HttpHandler {}' },
      'java',
      'Main a.b.Handler',
    ],
    [{ 'handler.rb': 'def run(body)' }, 'ruby', 'ruby tinderbox_main.rb'],
    [{ 'composer.json': '{}', 'src/Handler.php': '' }, 'php', 'php tinderbox_main.php'],
    [{ 'Handler.pm': '' }, 'perl', 'perl tinderbox_main.pl'],
    [{ 'handler.lua': '' }, 'lua', 'lua5.4 tinderbox_main.lua'],
    [{ 'handler.cob': '' }, 'cobol', './handler'],
  ];
  for (const [files, language, process] of found) {
    const plan = await planOf(files);
    assert.equal(plan.language, language);
    assert.ok(plan.process?.endsWith(process), `${language}: ${plan.process}`);
    assert.equal(plan.runtime, 'exec');
  }
});

test('a Ruby handler of body and headers is served, one of the body is run per call', async () => {
  const served = await planOf({ 'handler.rb': 'class Handler\n  def run(body, headers)\n  end\nend\n' });
  assert.equal(served.mode, 'http');
  assert.match(textOf(served, 'tinderbox_main.rb'), /WEBrick/);
  assert.equal((await planOf({ 'handler.rb': 'class Handler\n  def run body\n  end\nend\n' })).mode, 'fork');
});

test('bundler, cpanm and luarocks run only where their file names something', async () => {
  const rock = (list: string): string => `dependencies = {\n  "lua >= 5.4",${list}\n}\n`;
  const cases: [Files, readonly string[]][] = [
    [{ 'handler.rb': 'def run(body)', Gemfile: 'source "x"\n# gem "y"\n' }, []],
    [{ 'handler.rb': 'def run(body)', Gemfile: 'source "x"\ngem "y"\n' }, ['bundle']],
    [{ 'Handler.pm': '', cpanfile: "# requires 'A';\n" }, []],
    [{ 'Handler.pm': '', cpanfile: "requires 'A';\n" }, ['cpanm']],
    [{ 'handler.lua': '', 'h-1-1.rockspec': rock('') }, []],
    [{ 'handler.lua': '', 'h-1-1.rockspec': rock(' "inspect"') }, ['luarocks']],
    [{ 'handler.lua': '', 'h-1-1.rockspec': 'dependencies = more()\n' }, ['luarocks']],
  ];
  for (const [files, steps] of cases) assert.deepEqual(stepsOf(await planOf(files)), steps, JSON.stringify(files));
});

test('a handler of python3-flask gets Flask only when it imports it', async () => {
  const order = { language: 'python3-flask' };
  const plain = await planOf({ 'handler.py': 'def handle(req):\n    return req\n' }, order);
  assert.deepEqual([plain.handler, stepsOf(plain)], ['handler.py', []]);
  const flask = await planOf(
    { 'handler.py': 'from flask import request\n\ndef handle(req):\n    return req\n' },
    order,
  );
  assert.deepEqual([flask.handler, stepsOf(flask)], ['tinderbox_flask.py', ['pip', 'compile-python']]);
});

test('a script of bash-streaming is run by the shell it names, and its answer is sent as it comes', async () => {
  const plan = await planOf({ 'handler.sh': '#!/usr/bin/env bash\n' }, { language: 'bash-streaming' });
  assert.deepEqual([plan.process, plan.mode, plan.env], ['bash handler.sh', 'fork', { mode: 'streaming' }]);
});

test('what cannot be is refused with what can', async () => {
  const refused: [Files, Partial<BuildOrder>, RegExp][] = [
    [{ Dockerfile: 'FROM alpine\n' }, {}, /a Dockerfile needs a container builder/],
    [{ 'a.txt': '' }, { language: 'dockerfile' }, /a Dockerfile needs a container builder/],
    [{ 'Function.csproj': '', 'Handler.cs': '' }, {}, /\.NET is not built here: Debian has no SDK/],
    [{ 'a.txt': '' }, { language: 'dotnet8-csharp' }, /\.NET is not built here/],
    [{ 'handler.go': 'package function\n' }, {}, /no \.go file at the top has a func Handle/],
    [{ 'handler.go': 'package function\nfunc Handle(n int) {}' }, {}, /func Handle\(n int\) is none of the known/],
    [{ 'Cargo.toml': '[package]\nname = "x"\n' }, {}, /neither src\/lib\.rs nor src\/main\.rs/],
    [{ 'Cargo.toml': '[lib]\nname = "x"\n' }, {}, /no \[package\] with a name/],
    [{ 'Main.java': 'class Main {}' }, {}, /no class implements com\.sun/],
    [{ 'index.php': '' }, {}, /there is no src\/Handler\.php/],
    [{ 'a.cob': '', 'b.cob': '' }, {}, /no handler found among 2 COBOL sources/],
    [{ 'template.yml': 'handler_folder: ../x\n', 'a/b': '' }, {}, /handler_folder "\.\.\/x" leaves the template/],
    [{ 'template.yml': 'a: [\n', 'function/handler.js': '' }, {}, /template\.yml cannot be read/],
  ];
  for (const [files, order, message] of refused) {
    await assert.rejects(planOf(files, order), { code: 'invalid', message }, String(message));
  }
});

const middleware = {
  'template.yml': 'language: mine\nfprocess: ./handler\n',
  'main.go': 'package main\n',
  'go.mod': 'module handler\n',
  'function/handler.go': 'package function\n',
  'function/go.mod': 'module handler/function\n',
};

test('a template of Go is built by its own main, joined with the handler, on the port it is given', async () => {
  const dockerfile = [
    'FROM golang:1.25-alpine AS build',
    'RUN apk --no-cache add git',
    'RUN go build -o handler . && echo built || { echo failed; exit 1; }',
    'FROM alpine:3.22',
    'ENV fprocess="./server" mode="http" upstream_url="http://127.0.0.1:8082" exec_timeout=10s GREETING=hi',
    'ENV PATH=$PATH:/home/app/bin CONFIG=/home/app/x',
  ].join('\n');
  const plan = await planOf({ ...middleware, Dockerfile: dockerfile }, { language: 'golang-middleware' });
  assert.deepEqual([plan.language, plan.root, plan.mode, plan.process], ['go', '', 'http', './handler']);
  assert.deepEqual(stepsOf(plan), ['go-work-init', 'go-overlay', 'go-build']);
  assert.deepEqual(plan.env, { GREETING: 'hi', TINDERBOX_LISTEN_PORT: '8082' });
  assert.deepEqual(plan.notes, [
    "Dockerfile: images are not used (golang:1.25-alpine, alpine:3.22): the machine's own tools are",
    'Dockerfile: not run: apk --no-cache add git',
    "Dockerfile: ENV exec_timeout=10s is not used: set it in the function's environment",
    'Dockerfile: ENV CONFIG=/home/app/x is not used: it speaks of the image',
  ]);
});

test('a template without a workspace, or without modules, is one program per call all the same', async () => {
  const { 'go.mod': _, 'function/go.mod': __, ...plain } = middleware;
  const plan = await planOf({ ...plain, Dockerfile: 'ENV fprocess="./handler"\n' });
  assert.deepEqual([plan.mode, plan.env], ['fork', {}]);
  assert.deepEqual(stepsOf(plan), ['go-mod-init', 'go-mod-tidy', 'go-build']);
  const joined = await planOf({ ...middleware, 'go.work': 'use (\n.\n./function\n)\n' });
  assert.deepEqual(stepsOf(joined), ['go-build']);
});

test('a main that nothing moves to another port is reached where it listens', async () => {
  const dockerfile = 'ENV mode="http" upstream_url="http://127.0.0.1:4567"\n';
  const plan = await planOf({ Dockerfile: dockerfile, 'index.rb': '', 'function/handler.rb': '' });
  assert.deepEqual([plan.mode, plan.process], ['http', 'ruby index.rb']);
  assert.deepEqual(plan.env, { mode: 'http', upstream_url: 'http://127.0.0.1:4567' });
});

test('a template that brings no main leaves its handler folder to be built', async () => {
  const files = { 'template.yml': 'language: x\nhandler_folder: src\n', 'src/handler.js': 'module.exports = 1;' };
  const plan = await planOf(files, { language: 'node22', process: 'node index.js' });
  assert.deepEqual([plan.root, plan.handler, plan.mode], ['src', 'handler.js', 'frame']);
});

test('no text makes planning take long: a megabyte of what a pattern begins with is read in time of its length', async () => {
  const megabyte = (unit: string): string => unit.repeat(Math.floor(1_000_000 / unit.length));
  const ruby = { 'handler.rb': 'class Handler\n  def run(body)\n  end\nend\n' };
  const startedMs = performance.now();
  for (const unit of ['\n', ' ', 'gem']) {
    assert.deepEqual(stepsOf(await planOf({ ...ruby, Gemfile: megabyte(unit) })), []);
    assert.deepEqual(stepsOf(await planOf({ 'Handler.pm': '1;', cpanfile: megabyte(unit) })), []);
  }
  for (const unit of ['dependencies={\n', 'dependencies = {"a', '"a ', '\n']) {
    assert.deepEqual(stepsOf(await planOf({ 'handler.lua': 'x', 'a.rockspec': megabyte(unit) })), ['luarocks']);
  }
  for (const unit of ['\n', 'class a:', 'class a implements ', 'class a(: {', 'class ']) {
    const java = planOf({ 'Handler.java': megabyte(unit) });
    await java.catch((error: { readonly code: string }) => assert.equal(error.code, 'invalid'));
  }
  const template = { 'index.py': '', 'function/handler.py': '' };
  for (const unit of [' ', '-', 'a', '\n', '\\\n', '; ', 'A=', 'A="', 'A="\\" ']) {
    for (const [begin, end] of [
      ['', ''],
      ['FROM ', ' x'],
      ['RUN a', 'b'],
      ['RUN a', '\u2028b'],
      ['ENV a', '='],
    ] as const) {
      const Dockerfile = begin + megabyte(unit) + end;
      assert.equal((await planOf({ ...template, Dockerfile })).root, '');
    }
  }
  await assert.rejects(planOf({ 'handler.go': megabyte('func Handle(\n') }), { code: 'invalid' });
  // Minutes where a pattern begins anew at each place.
  assert.ok(performance.now() - startedMs < 20_000);
});

test('a template.yml that is large, nested without end or no YAML is refused in one line', async () => {
  const main = { 'index.py': '', Dockerfile: 'FROM python:3\n' };
  for (const [text, message] of [
    ['a'.repeat(20_000), /^template\.yml has 20000 characters, at most 16384 are read$/],
    ['['.repeat(16_000), /^template\.yml cannot be read: it is nested too deep to be read$/],
    ['a: b: c', /^template\.yml cannot be read: Nested mappings are not allowed in compact mappings$/],
    [`handler_folder: ../${'x'.repeat(500)}`, /^template\.yml: handler_folder "\.\.\/x{154}…" leaves the template$/],
  ] as const) {
    await assert.rejects(planOf({ ...main, 'template.yml': text }), { message });
  }
  await assert.rejects(planOf({ 'handler.js': '', 'package.json': 'a\nb' }), {
    message: /^package\.json is not JSON: .*$/,
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { type TestPlatform, startPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { installToolchain } from './toolchains.ts';

type Files = Readonly<Record<string, string>>;

const longMs = 600_000;

function write(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** The shape of OpenFaaS's server templates: a main on a port of its own, a watchdog in front of it. */
const servedImage = (port: number): string =>
  `FROM watchdog:1 AS watchdog\nENV mode="http"\nENV upstream_url="http://127.0.0.1:${port}"\nCMD ["fwatchdog"]\n`;

const goClassic: Files = {
  'template.yml': 'language: go\nfprocess: ./handler\n',
  Dockerfile: 'FROM golang:1.23 AS build\nRUN go test ./...\nENV fprocess="./handler"\nCMD ["./fwatchdog"]\n',
  'main.go': `package main

import (
	"fmt"
	"io"
	"os"

	"handler/function"
)

func main() {
	input, _ := io.ReadAll(os.Stdin)
	fmt.Println(function.Handle(input))
}
`,
};

const goMiddleware: Files = {
  'template.yml': 'language: golang-middleware\nfprocess: ./handler\n',
  Dockerfile: servedImage(8082),
  'go.mod': 'module handler\n\ngo 1.19\n',
  'go.work': 'go 1.19\n\nuse (\n\t.\n\t./function\n)\n',
  'main.go': `package main

import (
	"fmt"
	"log"
	"net/http"

	"handler/function"
)

func main() {
	http.HandleFunc("/", function.Handle)
	log.Fatal(http.ListenAndServe(fmt.Sprintf(":%d", 8082), nil))
}
`,
};

const nodeExpress: Files = {
  'template.yml': 'language: node22\nfprocess: node index.js\n',
  Dockerfile: servedImage(3000),
  'package.json': '{"dependencies": {"express": "5.1.0"}}',
  'index.js': `const express = require('express');
const handler = require('./function/handler');
const app = express();
app.use(express.text({ type: '*/*' }));
app.use(async (request, response) => {
  const context = { status: (code) => (response.status(code), context), succeed: (value) => response.send(value) };
  await handler({ body: request.body, query: request.query }, context);
});
app.listen(3000);
`,
};

const pythonFlask: Files = {
  'template.yml': 'language: python3-http\nfprocess: python index.py\n',
  Dockerfile: servedImage(5000),
  'requirements.txt': 'flask\nwaitress\n',
  'index.py': `from flask import Flask, request
from function import handler
from waitress import serve

app = Flask(__name__)

class Event:
    def __init__(self):
        self.body = request.get_data()
        self.query = request.args

@app.route("/", methods=["POST"])
def call():
    answer = handler.handle(Event(), None)
    return answer["body"], answer["statusCode"]

serve(app, host="0.0.0.0", port=5000)
`,
};

suite('templates of a repository, on a real platform', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform.dispose());

  /** A project with a template and one function of it. */
  function project(t: TestContext, lang: string, template: Files, handler: Files): string {
    const cwd = tempDir(t);
    write(join(cwd, 'template', lang), template);
    write(join(cwd, 'fn'), handler);
    const entry = `{lang: ${lang}, handler: ./fn, image: "pulled-${lang}:1"}`;
    write(cwd, { 'stack.yaml': `provider: {name: openfaas}\nfunctions:\n  pulled-${lang}: ${entry}\n` });
    return cwd;
  }
  async function deploy(cwd: string): Promise<string> {
    const { code, stdout, stderr } = await platform.cli(['deploy', '--timeout', '9m'], { cwd });
    assert.equal(code, 0, stdout + stderr);
    return stderr;
  }
  async function call(lang: string, query = ''): Promise<string> {
    const reply = await platform.fetch(`/function/pulled-${lang}${query}`, { method: 'POST', body: 'you' });
    return `${reply.status} ${(await reply.text()).trim()}`;
  }

  test('Go of one’s own is built by its main, and again when that was tuned', { timeout: longMs }, async (t) => {
    const missing = installToolchain({ programs: ['go'], packages: ['golang-go'] });
    if (!requirement(t, missing.length === 0, 'Go cannot be had here')) return;
    const cwd = project(t, 'go', goClassic, {
      'handler.go': 'package function\n\nfunc Handle(req []byte) string { return "hello " + string(req) }\n',
    });
    const log = await deploy(cwd);
    assert.match(log, /Dockerfile: images are not used \(golang:1\.23\)/);
    assert.match(log, /Dockerfile: not run: go test \.\/\.\.\./);
    assert.equal(await call('go'), '200 hello you');
    const tuned = (goClassic['main.go'] ?? '').replace('fmt.Println(', 'fmt.Println("tuned:", ');
    write(join(cwd, 'template', 'go'), { 'main.go': tuned });
    await deploy(cwd);
    await until('the tuned main answers', async () => (await call('go')) === '200 tuned: hello you');
  });

  test('two instances of a main with a port of its own serve side by side', { timeout: longMs }, async (t) => {
    const missing = installToolchain({ programs: ['go'], packages: ['golang-go'] });
    if (!requirement(t, missing.length === 0, 'Go cannot be had here')) return;
    const cwd = project(t, 'golang-middleware', goMiddleware, {
      'go.mod': 'module handler/function\n\ngo 1.19\n',
      'handler.go':
        'package function\n\nimport (\n\t"fmt"\n\t"net/http"\n\t"os"\n)\n\nfunc Handle(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) }\n',
    });
    await deploy(cwd);
    const scaled = await platform.cli(['scale', 'pulled-golang-middleware', '2']);
    assert.equal(scaled.code, 0, scaled.stderr);
    const seen = new Set<string>();
    await until('both answered', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => call('golang-middleware')));
      for (const answer of answers) seen.add(answer);
      return seen.size >= 2;
    });
    for (const answer of seen) assert.match(answer, /^200 \d+$/);
  });

  test('Node with Express is served by its index.js', { timeout: longMs }, async (t) => {
    const cwd = project(t, 'node22', nodeExpress, {
      'handler.js':
        'module.exports = async (event, context) => context.status(201).succeed(`hello ${event.body} ${event.query.a}`);\n',
    });
    await deploy(cwd);
    assert.equal(await call('node22', '?a=1'), '201 hello you 1');
  });

  test('Ruby with a Gemfile is run by its index.rb', { timeout: longMs }, async (t) => {
    const missing = installToolchain({ programs: ['ruby', 'bundle'], packages: ['ruby', 'ruby-bundler'] });
    if (!requirement(t, missing.length === 0, 'Ruby cannot be had here')) return;
    const template = {
      'template.yml': 'language: ruby\nfprocess: ruby index.rb\n',
      Gemfile: "source 'https://rubygems.org'\n",
      'index.rb': "require_relative 'function/handler'\nputs Handler.new.run(ARGF.read)\n",
    };
    const cwd = project(t, 'ruby', template, {
      Gemfile: "source 'https://rubygems.org'\n",
      'handler.rb': 'class Handler\n  def run(req)\n    "hello #{req}"\n  end\nend\n',
    });
    await deploy(cwd);
    assert.equal(await call('ruby'), '200 hello you');
  });

  test('Python with Flask and Waitress is served by its index.py', { timeout: longMs }, async (t) => {
    const cwd = project(t, 'python3-http', pythonFlask, {
      'handler.py':
        'def handle(event, context):\n    return {"statusCode": 201, "body": "hello " + event.body.decode() + event.query["a"]}\n',
      'requirements.txt': '',
    });
    await deploy(cwd);
    assert.equal(await call('python3-http', '?a=1'), '201 hello you1');
  });
});

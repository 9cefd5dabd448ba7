import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { startBuilder } from '../../test/support/builder.ts';
import type { TestBuilder } from '../../test/support/builder.ts';
import { until } from '../../test/support/until.ts';
import { parseCommandLine } from '../model/command-line.ts';
import type { Artifact } from '../model/artifact.ts';

const wantedPort = 3999;
const httpDockerfile = `FROM x\nENV mode="http"\nENV upstream_url="http://127.0.0.1:${wantedPort}"\n`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** As the engine starts it: in its code, with its own environment and a port. */
async function callServed({ directory, manifest }: Artifact): Promise<string> {
  const [file = '', ...args] = parseCommandLine(manifest.process ?? '', 'process');
  const port = await freePort();
  const env = { PATH: `${join(process.execPath, '..')}:/usr/bin:/bin`, ...manifest.env, PORT: String(port) };
  const child = spawn(file, args, { cwd: join(directory, manifest.workdir), env, stdio: 'inherit' });
  const exited = once(child, 'exit');
  try {
    let answer = '';
    await until('it answers on its port', async () => {
      const reply = await fetch(`http://127.0.0.1:${port}/a`, { method: 'POST', body: 'you' }).catch(() => undefined);
      answer = (await reply?.text()) ?? '';
      return reply !== undefined;
    });
    return answer;
  } finally {
    child.kill();
    await exited;
  }
}

suite('a template pulled from a repository', () => {
  let kit: TestBuilder;
  before(async () => {
    kit = await startBuilder();
  });
  after(() => kit.dispose());

  test('of Node is served by its own index.js, on the port it is given', async () => {
    const { artifact, log } = await kit.build({
      Dockerfile: `${httpDockerfile}RUN npm test\n`,
      'template.yml': 'language: node-mine\nfprocess: node index.js\n',
      'index.js': `const handler = require('./function/handler');
require('node:http').createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  response.end('mine: ' + handler(body));
}).listen(${wantedPort}, () => console.error('up'));\n`,
      'function/handler.js': 'module.exports = (body) => `hello ${body}`;\n',
    });
    assert.equal(artifact.manifest.mode, 'http');
    assert.ok(log.includes('Dockerfile: not run: npm test'), log.join('\n'));
    assert.equal(await callServed(artifact), 'mine: hello you');
  });

  test('of Python is served by its own index.py, on the port it is given', async () => {
    const { artifact } = await kit.build({
      Dockerfile: httpDockerfile,
      'template.yml': 'language: python-mine\nfprocess: python index.py\n',
      'index.py': `from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from function import handler

class Call(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(("mine: " + handler.handle(body)).encode())

ThreadingHTTPServer(("0.0.0.0", ${wantedPort}), Call).serve_forever()\n`,
      'function/handler.py': 'def handle(req):\n    return "hello " + req\n',
    });
    assert.equal(artifact.manifest.process, 'python3 index.py');
    assert.equal(await callServed(artifact), 'mine: hello you');
  });

  test('of a program per call runs its main once for each', async () => {
    const { artifact } = await kit.build({
      Dockerfile: 'FROM x\nENV fprocess="python3 index.py"\nENV GREETING=hi\n',
      'index.py':
        'import os, sys\nfrom function import handler\nprint(os.environ["GREETING"], handler.handle(sys.stdin.read()))\n',
      'function/handler.py': 'def handle(req):\n    return req.upper()\n',
    });
    const { manifest, directory } = artifact;
    assert.equal(manifest.mode, 'fork');
    const [file = '', ...args] = parseCommandLine(manifest.process ?? '', 'process');
    const options = {
      cwd: join(directory, manifest.workdir),
      env: { PATH: '/usr/bin:/bin', ...manifest.env },
      input: 'you',
    };
    assert.equal(spawnSync(file, args, { ...options, encoding: 'utf8' }).stdout, 'hi YOU\n');
  });

  test('is another artifact after its main was tuned', async () => {
    const files = { Dockerfile: 'FROM x\n', 'index.js': '// one\n', 'function/handler.js': 'module.exports = 1;\n' };
    const one = await kit.build(files);
    const two = await kit.build({ ...files, 'index.js': '// two\n' });
    assert.notEqual(one.artifact.digest, two.artifact.digest);
  });
});

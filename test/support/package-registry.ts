import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { tempDir } from './temp-dir.ts';

/** Package files do not change, and registries say so; what they know of a package does. */
const forEver = { 'cache-control': 'public, immutable, max-age=31557600' };
const askAgain = { 'cache-control': 'no-cache', etag: '"1"' };

/** A registry of one package, `greeting` 1.0.0, for npm and for pip, that keeps what it was asked. */
export interface PackageRegistry {
  readonly url: string;
  /** Paths asked for since the last look. */
  asked(): string[];
  /** Nobody listens from now on. */
  close(): Promise<void>;
}

interface Answer {
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

export async function startPackageRegistry(t: TestContext): Promise<PackageRegistry> {
  const answers = new Map<string, Answer>();
  const paths: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    paths.push(path);
    const answer = answers.get(path);
    if (answer === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': answer.type, ...answer.headers }).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => closeServer(server));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tarball = await npmTarball();
  const file = '/greeting/-/greeting-1.0.0.tgz';
  answers.set(file, { type: 'application/octet-stream', headers: forEver, body: tarball });
  answers.set('/greeting', { type: 'application/json', headers: askAgain, body: packument(url + file, tarball) });
  const wheel = '/files/greeting-1.0.0-py3-none-any.whl';
  answers.set(wheel, { type: 'application/octet-stream', headers: forEver, body: pythonWheel(tempDir(t)) });
  const page = `<!DOCTYPE html><a href="${wheel}">greeting-1.0.0-py3-none-any.whl</a>`;
  answers.set('/simple/greeting/', { type: 'text/html', headers: askAgain, body: page });
  return { url, asked: () => paths.splice(0), close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

async function npmTarball(): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: 'package/package.json' }, JSON.stringify({ name: 'greeting', version: '1.0.0' }));
  archive.entry({ name: 'package/index.js' }, "module.exports = 'hello';\n");
  archive.finalize();
  return gzipSync(await buffer(archive));
}

function packument(tarball: string, bytes: Buffer): string {
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const version = { name: 'greeting', version: '1.0.0', dist: { tarball, integrity } };
  return JSON.stringify({ name: 'greeting', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } });
}

function pythonWheel(dir: string): Buffer {
  const file = join(dir, 'wheel.zip');
  const program = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('greeting.py', "text = 'hello'\\n")
    about = 'greeting-1.0.0.dist-info/'
    wheel.writestr(about + 'METADATA', 'Metadata-Version: 2.1\\nName: greeting\\nVersion: 1.0.0\\n')
    wheel.writestr(about + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(about + 'RECORD', ''.join(f'{name},,\\n' for name in wheel.namelist()))
`;
  execFileSync('python3', ['-c', program, file]);
  return readFileSync(file);
}

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';

const fixtures = resolve(import.meta.dirname, '../fixtures/workshop');
const launcher = resolve(import.meta.dirname, '../../bin/tinderbox.mjs');

/** The machine of somebody who follows the workshop: a platform, faas-cli, and a folder per lab. */
export interface Workshop {
  readonly platform: TestPlatform;
  /** Runs a line of the labs in the lab's folder, with faas-cli and tinderbox on PATH; fails unless it ends with 0. */
  sh(line: string): Promise<string>;
  /** The same for a line that has to fail; resolves with what it printed. */
  fails(line: string): Promise<string>;
  /** Goes to a lab's folder, which `mkdir` or `cp -r` of the lab has made. */
  enter(lab: string): void;
  write(file: string, text: string): void;
  read(file: string): string;
  /**
   * Runs a `faas-cli new` of the labs, each of which has a stack file of its own. Releases from 0.18 on call every one
   * of them stack.yaml and refuse a second; they are told the name that older ones give it.
   */
  make(name: string, line: string): Promise<string>;
  /** The stack file `faas-cli new NAME` wrote: older ones name it after the function. */
  stackOf(name: string): string;
  /** Sets a variable for the lines that follow, as `export` does. */
  set(name: string, value: string): void;
  /** A server on this machine; its address. */
  serve(listener: RequestListener): Promise<string>;
}

export async function startWorkshop(t: TestContext, faasCli: string): Promise<Workshop> {
  const home = tempDir(t, 0o755);
  const platform = await startPlatform();
  t.after(() => platform.dispose());
  const bin = join(home, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'tinderbox'), `#!/bin/sh\nexec '${process.execPath}' '${launcher}' "$@"\n`, { mode: 0o755 });
  writeFileSync(join(bin, 'faas-cli'), `#!/bin/sh\nexec '${faasCli}' "$@"\n`, { mode: 0o755 });
  const env: Record<string, string> = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    NO_COLOR: '1',
    TINDERBOX_DATA_DIR: platform.stateDir,
    GIT_CONFIG_GLOBAL: makeTemplateRepositories(home),
  };
  let cwd = home;
  const run = async (line: string): Promise<{ readonly code: number; readonly output: string }> => {
    const child = spawn('sh', ['-c', line], { cwd, env });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stdin.end();
    const [code] = (await once(child, 'close')) as [number];
    return { code, output: Buffer.concat(chunks).toString() };
  };
  const sh = async (line: string): Promise<string> => {
    const { code, output } = await run(line);
    assert.equal(code, 0, `${line}\n${output}`);
    return output;
  };
  return {
    platform,
    sh,
    make: (name, line) => sh(existsSync(join(cwd, 'stack.yaml')) ? `${line} -f ${name}.yml` : line),
    async fails(line) {
      const { code, output } = await run(line);
      assert.notEqual(code, 0, `${line}\n${output}`);
      return output;
    },
    enter: (lab) => void (cwd = join(home, lab)),
    write: (file, text) => writeFileSync(join(cwd, file), text),
    read: (file) => readFileSync(join(cwd, file), 'utf8'),
    stackOf: (name) => (existsSync(join(cwd, `${name}.yml`)) ? `${name}.yml` : 'stack.yaml'),
    set: (name, value) => void (env[name] = value),
    serve: (listener) => serve(t, listener),
  };
}

/** Repositories of templates where git looks for OpenFaaS's: a clone of their address ends at these. */
function makeTemplateRepositories(home: string): string {
  const commands: string[][] = [
    ['init', '--quiet', '--initial-branch', 'master'],
    ['add', '--all'],
    [
      '-c',
      'user.name=workshop',
      '-c',
      'user.email=workshop@example.org',
      'commit',
      '--quiet',
      '--message',
      'templates',
    ],
  ];
  const names = ['templates', 'golang-http-template', 'python3-debian'];
  for (const name of names) {
    const folder = join(home, 'repositories', name);
    cpSync(join(fixtures, 'template'), join(folder, 'template'), { recursive: true });
    if (name !== 'templates') {
      const language = name.replace(/-template$/, '');
      cpSync(join(fixtures, 'template', 'python3'), join(folder, 'template', language), { recursive: true });
    }
    for (const words of commands) execFileSync('git', words, { cwd: folder });
  }
  const owners = ['openfaas', 'openfaas-incubator'];
  const rules = names.flatMap((name) =>
    owners.map((owner) => {
      const address = `https://github.com/${owner}/${name}`;
      return `[url "${join(home, 'repositories', name)}"]\n\tinsteadOf = ${address}.git\n\tinsteadOf = ${address}\n`;
    }),
  );
  const file = join(home, 'gitconfig');
  writeFileSync(file, rules.join(''));
  return file;
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The list of templates that stands for OpenFaaS's. */
export const templateStore = readFileSync(join(fixtures, 'templates.json'));

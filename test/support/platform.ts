import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(import.meta.dirname, '../..');

/** A real platform in its own process with folders of its own. */
export interface TestPlatform {
  readonly url: string;
  readonly metricsUrl: string;
  readonly portalUrl: string;
  readonly pid: number;
  readonly stateDir: string;
  readonly runDir: string;
  readonly authorization: string;
  /** Everything it printed so far. */
  output(): string;
  /** An API or function call with the password; `path` begins with `/`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A CLI command against it. */
  cli(args: readonly string[], options?: { stdin?: string; cwd?: string }): Promise<CliResult>;
  /** Stops it as Ctrl-C does and waits; the folders stay. */
  stop(): Promise<number | null>;
  /** Kills it without warning and waits; the folders and its keeper stay. */
  kill(): Promise<void>;
  /** Starts it again over the same folders. */
  restart(): Promise<TestPlatform>;
  /** Stops it and removes its folders. */
  dispose(): Promise<void>;
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Folders {
  readonly stateDir: string;
  readonly runDir: string;
}

/** What `up` is started with: the command in front of its arguments, and its environment. */
export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Starts `tinderbox up` on free ports; `flags` are added to its command line. */
export async function startPlatform(
  flags: readonly string[] = [],
  folders: Folders = makeFolders(),
  launch: Launch = { command: [process.execPath, join(root, 'bin/tinderbox.mjs')], env: process.env },
): Promise<TestPlatform> {
  const [file = '', ...before] = launch.command;
  const args = [...before, 'up', '--port', '0', '--portal-port', '0', '--metrics-port', '0'];
  args.push('--data-dir', folders.stateDir, '--run-dir', folders.runDir, ...flags);
  const child = spawn(file, args, {
    cwd: resolve(folders.stateDir, '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...launch.env, NO_COLOR: '1' },
  });
  const { printed, urls } = await waitForUrls(child);
  const restart = (): Promise<TestPlatform> => startPlatform(flags, folders, launch);
  return describePlatform(child, restart, folders, printed, urls);
}

/** Starts a platform and disposes of it when the test (or suite) ends. */
export async function usePlatform(
  t: { after(fn: () => Promise<void>): void },
  flags: readonly string[] = [],
): Promise<TestPlatform> {
  const platform = await startPlatform(flags);
  t.after(() => platform.dispose());
  return platform;
}

function makeFolders(): Folders {
  const base = mkdtempSync(join(tmpdir(), 'tbp-'));
  chmodSync(base, 0o711);
  return { stateDir: join(base, 's'), runDir: join(base, 'r') };
}

interface Urls {
  readonly api: string;
  readonly portal: string;
  readonly metrics: string;
}

async function waitForUrls(child: ChildProcess): Promise<{ printed: string[]; urls: Urls }> {
  const printed: string[] = [];
  const found: { api?: string; portal?: string; metrics?: string } = {};
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => printed.push(line));
  }
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the platform ended with ${code}:\n${printed.join('\n')}`);
  });
  exited.catch(() => undefined);
  const ready = new Promise<Urls>((done) => {
    const timer = setInterval(() => {
      for (const line of printed) {
        const match = /^\s*(API|portal|metrics)\b.*?(http:\/\/\S+?)(\/metrics)?$/.exec(line);
        if (match?.[1] === 'API') found.api = match[2] ?? '';
        if (match?.[1] === 'portal') found.portal = match[2] ?? '';
        if (match?.[1] === 'metrics') found.metrics = match[2] ?? '';
      }
      if (found.api === undefined || found.portal === undefined || found.metrics === undefined) return;
      clearInterval(timer);
      done({ api: found.api, portal: found.portal, metrics: found.metrics });
    }, 5);
    child.once('exit', () => clearInterval(timer));
  });
  return { printed, urls: await Promise.race([ready, exited]) };
}

function describePlatform(
  child: ChildProcess,
  restart: () => Promise<TestPlatform>,
  folders: Folders,
  printed: string[],
  urls: Urls,
): TestPlatform {
  const password = readFileSync(join(folders.stateDir, 'password'), 'utf8').trim();
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    return ((await exited) as [number | null])[0];
  };
  return {
    url: urls.api,
    portalUrl: urls.portal,
    metricsUrl: urls.metrics,
    pid: child.pid ?? 0,
    ...folders,
    authorization,
    output: () => printed.join('\n'),
    fetch: (path, init = {}) =>
      fetch(urls.api + path, { ...init, headers: { authorization, ...(init.headers as Record<string, string>) } }),
    cli: (args, options) => runCli(urls.api, folders, args, options),
    stop: () => end('SIGINT'),
    kill: async () => void (await end('SIGKILL')),
    restart,
    async dispose() {
      await end('SIGINT');
      rmSync(resolve(folders.stateDir, '..'), { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function runCli(
  url: string,
  folders: Folders,
  args: readonly string[],
  options: { stdin?: string; cwd?: string } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [join(root, 'bin/tinderbox.mjs'), ...args], {
    cwd: options.cwd ?? resolve(folders.stateDir, '..'),
    env: {
      ...process.env,
      NO_COLOR: '1',
      OPENFAAS_URL: url,
      OPENFAAS_CONFIG: join(folders.stateDir, 'no-config'),
      TINDERBOX_DATA_DIR: folders.stateDir,
    },
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.end(options.stdin ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

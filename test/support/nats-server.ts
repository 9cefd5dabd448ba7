import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { requirement } from './require.ts';
import { tempDir } from './temp-dir.ts';
import { until } from './until.ts';

/** The version the tests run against; the least one is tested as well. */
export const natsVersion = '2.15.2';

export interface TestNats {
  readonly url: string;
  readonly port: number;
  /** Kills it without warning and waits; what it kept stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port, over what it kept. */
  start(): Promise<void>;
}

/** The program, built once into a cache through the Go proxy; undefined when there is no Go. */
export function natsProgram(version = natsVersion): string | undefined {
  const cache = process.env['TINDERBOX_TEST_CACHE'] ?? join(homedir() || tmpdir(), '.cache', 'tinderbox-test');
  const program = join(cache, `nats-server-${version}`);
  if (existsSync(program)) return program;
  const own = join(cache, `nats-server-${version}.${process.pid}`);
  mkdirSync(own, { recursive: true });
  const module = `github.com/nats-io/nats-server/v2@v${version}`;
  const built = spawnSync('go', ['install', module], { env: { ...process.env, GOBIN: own, CGO_ENABLED: '0' } });
  if (built.status === 0) renameSync(join(own, 'nats-server'), program);
  rmSync(own, { recursive: true, force: true });
  return built.status === 0 ? program : undefined;
}

/** What a server is given beside host and port; DIR is its folder. */
const synced = 'jetstream { store_dir: "DIR/js", sync_interval: always }';

export interface NatsOptions {
  readonly version?: string;
  readonly config?: string;
}

/** A real nats-server with JetStream on a free port, gone when the test ends; undefined: the test is skipped. */
export async function useNats(t: TestContext, options: NatsOptions = {}): Promise<TestNats | undefined> {
  const program = natsProgram(options.version);
  if (!requirement(t, program !== undefined, 'nats-server cannot be built: needs go and the Go proxy')) {
    return undefined;
  }
  return await startNats(t, program ?? '', options.config);
}

/** Starts the program; it is killed, and its folder removed, when the test or suite ends. */
export async function startNats(
  t: { after(fn: () => void | Promise<void>): void },
  program: string,
  config: string = synced,
): Promise<TestNats> {
  const dir = tempDir(t);
  const server = new Server(program, dir, config);
  t.after(() => server.kill());
  await server.start();
  return server;
}

class Server implements TestNats {
  readonly #program: string;
  readonly #dir: string;
  readonly #config: string;
  #child: ChildProcess | undefined;
  #port = 0;

  constructor(program: string, dir: string, config: string) {
    this.#program = program;
    this.#dir = dir;
    this.#config = config;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const file = join(this.#dir, 'nats.conf');
    const listen = this.#port === 0 ? -1 : this.#port;
    const config = this.#config.replaceAll('DIR', this.#dir);
    writeFileSync(file, `host: 127.0.0.1\nport: ${listen}\nports_file_dir: "${this.#dir}"\n${config}\n`);
    const child = spawn(this.#program, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('nats-server', () => said.includes('Server is ready') || child.exitCode !== null, 30_000);
    if (child.exitCode !== null) throw new Error(`nats-server ended:\n${said}`);
    this.#port = Number(/Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(said)?.[1] ?? this.#readPort());
  }

  #readPort(): string {
    const file = readdirSync(this.#dir).find((name) => name.endsWith('.ports')) ?? '';
    return /127\.0\.0\.1:(\d+)/.exec(readFileSync(join(this.#dir, file), 'utf8'))?.[1] ?? '';
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

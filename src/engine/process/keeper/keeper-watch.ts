import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { readKeeperSelf, writeKeeperSelf } from './keeper-self.ts';
import { readIdentity } from './process-identity.ts';
import type { KeeperConfig, SweepOrder } from './protocol.ts';

/**
 * A shell that waits for the end of its input, which comes with the end of the keeper, however that ends; only then it
 * costs more than some hundred KiB.
 */
const script = 'read -r _; exec "$NODE" "$MAIN"';
/** Its name in process lists: whoever kills all that is called keeper, or by a folder of ours, should not hit it too. */
const title = 'functions-guard';
const respawnMs = 1000;

/**
 * Has a second, tiny process, the guard, clean up after this keeper should it be killed together with its platform. The
 * guard is named in what the keeper says of itself, so that the next keeper can send it away.
 */
export class KeeperWatch {
  readonly #env: Readonly<Record<string, string>>;
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(config: KeeperConfig) {
    this.#directory = config.directory;
    const order: SweepOrder = { config, keeper: readIdentity(process.pid) };
    this.#env = {
      PATH: '/usr/bin:/bin',
      NODE: process.execPath,
      MAIN: join(dirname(process.argv[1] ?? ''), 'sweep-main.cjs'),
      ORDER: JSON.stringify(order),
    };
    this.#watch();
  }

  /** An orderly end: there is nothing to clean up after. Resolves when the watch is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  #watch(): void {
    const child = spawn('/bin/sh', ['-c', script, title], {
      cwd: '/',
      env: this.#env,
      // A session of its own: a kill of the keeper's group does not reach it.
      detached: true,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    this.#child = child;
    writeKeeperSelf(this.#directory, child.pid);
    child.stdin?.on('error', () => undefined);
    child.once('error', () => this.#again());
    child.once('exit', () => this.#again());
  }

  #again(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // A newer keeper sent it away: what is left of this one is that one's.
      if (readKeeperSelf(this.#directory)?.pid === process.pid) this.#watch();
    }, respawnMs);
  }
}

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TinderboxError } from '../../model/errors.ts';
import type { ExecSession } from '../../model/exec.ts';
import { notice } from '../../observe/channels.ts';
import { orAbort } from './or-abort.ts';
import type { KeeperClient } from './keeper-client.ts';
import { type KeeperLaunch, connectKeeper, killKeeper, nonceIn } from './keeper-launch.ts';
import {
  type ExecOrder,
  type KeeperEvent,
  type ProgramReport,
  type SpawnRequest,
  keeperFiles,
} from './keeper/protocol.ts';
import { openExec } from './kept-exec.ts';
import { KeptProgram } from './kept-program.ts';
import { within } from './within.ts';

const relaunchWaitMs = 500;
/** It kills what it holds, which takes the system a moment. */
const closeMs = 5000;

/**
 * The platform's tie to its keeper.
 *
 * 1. When the keeper goes, every program ends as `lost` at once; a new keeper is started, which kills the leftovers.
 * 2. `spawn` waits for a keeper that is being started, so callers see a delay, not an error.
 */
export class KeeperLink {
  readonly #launch: KeeperLaunch;
  readonly #programs = new Map<string, KeptProgram>();
  /** Events of programs whose start was not answered yet. */
  readonly #early = new Map<string, KeeperEvent[]>();
  #client: Promise<KeeperClient> | undefined;
  #closed = false;

  constructor(launch: KeeperLaunch) {
    this.#launch = launch;
  }

  /** Resolves with what a keeper found running holds. Throws `conflict` when another platform holds it. */
  async start(): Promise<readonly ProgramReport[]> {
    const { client, found } = await connectKeeper(this.#launch);
    this.#client = Promise.resolve(client);
    // One may end in the very chunk that lists it.
    const early: KeeperEvent[] = [];
    client.onEvent = (event) => early.push(event);
    const reports = found ? await client.request({ op: 'list' }) : [];
    for (const report of reports) {
      if (report.ending === undefined) this.#add(new KeptProgram(report.id, report.pid, client));
    }
    this.#listen(client);
    for (const event of early) this.#hear(event);
    return reports;
  }

  program(id: string): KeptProgram | undefined {
    return this.#programs.get(id);
  }

  /**
   * Rejects with `cannot-start` when the system refuses, `unavailable` when the keeper went meanwhile, and with the
   * signal's reason while it waits for a keeper.
   */
  async spawn(request: SpawnRequest, signal: AbortSignal): Promise<KeptProgram> {
    const client = await orAbort(Promise.resolve(this.#client), signal);
    if (client === undefined || this.#closed) throw new TinderboxError('unavailable', 'the engine is not running');
    // It may listen, or end, in the very chunk that brings its pid.
    const early: KeeperEvent[] = [];
    this.#early.set(request.id, early);
    try {
      const { pid } = await client.request({ op: 'spawn', program: request });
      const program = this.#add(new KeptProgram(request.id, pid, client));
      for (const event of early) this.#hear(event);
      return program;
    } finally {
      this.#early.delete(request.id);
    }
  }

  /** Starts a command that joins a program. Rejects with `cannot-start`, or `unavailable` without a keeper. */
  async exec(order: ExecOrder): Promise<ExecSession> {
    const { directory } = this.#launch;
    return await openExec(join(directory, keeperFiles.socket), nonceIn(directory), order);
  }

  /** Ends the keeper with all it holds; one that does not answer is killed, if it can be found. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (await within(closeMs, this.#shutDown())) return;
    notice.publish({ level: 'error', part: 'engine', message: `the keeper process did not end within ${closeMs} ms` });
    killKeeper(this.#launch.directory);
    void this.#client?.then((client) => client.close()).catch(() => undefined);
  }

  async #shutDown(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.request({ op: 'shutdown' }).catch(() => undefined);
    await client?.closed;
  }

  #add(program: KeptProgram): KeptProgram {
    this.#programs.set(program.id, program);
    return program;
  }

  #listen(client: KeeperClient): void {
    client.onEvent = (event) => this.#hear(event);
    void client.closed.then(() => this.#lost());
  }

  #hear(event: KeeperEvent): void {
    const program = this.#programs.get(event.id);
    if (program === undefined) {
      this.#early.get(event.id)?.push(event);
    } else if (event.event === 'listening') program.heardListening();
    else if (event.event === 'exiting') program.heardExiting();
    else {
      this.#programs.delete(event.id);
      program.heardEnd({ ...event.ending, lost: false });
    }
  }

  #lost(): void {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    if (!this.#closed) {
      const count = programs.length;
      notice.publish({ level: 'error', part: 'engine', message: `the keeper process ended with ${count} programs` });
      // Before the ends are told: what is started anew because of them must wait for the new keeper.
      this.#client = this.#relaunch();
      this.#client.catch(() => undefined);
    }
    for (const program of programs) program.heardEnd(lostEnd);
  }

  async #relaunch(): Promise<KeeperClient> {
    for (;;) {
      try {
        const { client } = await connectKeeper(this.#launch);
        this.#listen(client);
        return client;
      } catch (error) {
        if (this.#closed) throw error;
        notice.publish({ level: 'error', part: 'engine', message: `no keeper process: ${String(error)}` });
        await delay(relaunchWaitMs);
      }
    }
  }
}

const lostEnd = {
  outcome: {
    ok: false,
    timedOut: false,
    canceled: false,
    oomKilled: false,
    exitCode: null,
    signal: 'SIGKILL',
    durationMs: 0,
  },
  lastLines: [],
  lost: true,
} as const;

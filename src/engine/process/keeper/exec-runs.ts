import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { makeNestedCage } from '../../../sandbox/nested-cage.ts';
import { destroyCage } from '../../../sandbox/cage.ts';
import { ExecRun } from './exec-run.ts';
import type { Journal } from './journal.ts';
import { readBootId, readIdentity } from './process-identity.ts';
import type { ExecOrder } from './protocol.ts';

/**
 * The commands that joined programs. Each is on record from before it starts until its cage is empty, like a program.
 */
export class ExecRuns {
  readonly #journal: Journal;
  readonly #bootId = readBootId();
  readonly #self = readIdentity(process.pid);
  readonly #runs = new Set<ExecRun>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Starts the command; `answer` is called with its pid before the first frame. Rejects when it cannot be started. */
  async start(order: ExecOrder, socket: Socket, answer: (pid: number) => void): Promise<void> {
    const { id, cage } = order;
    const record = { bootId: this.#bootId, keeper: this.#self, cage };
    this.#journal.put(id, record);
    let child: ChildProcess;
    try {
      await makeNestedCage(cage);
      child = await spawnCommand(order);
    } catch (error) {
      await destroyCage(cage).catch(() => undefined);
      this.#journal.remove(id);
      throw error;
    }
    if (cage.version === 'none') this.#journal.put(id, { ...record, program: readIdentity(child.pid ?? 0) });
    answer(child.pid ?? 0);
    const run = new ExecRun(order, child, socket);
    this.#runs.add(run);
    void run.ended.then(() => {
      this.#runs.delete(run);
      this.#journal.remove(id);
    });
  }

  /** The program is over, and so is all that joined it. */
  endWith(programId: string): void {
    for (const run of this.#runs)
      if (run.programId === programId) run.kill('the instance ended, and the command with it');
  }

  async killAll(): Promise<void> {
    for (const run of this.#runs) run.kill();
    await Promise.all([...this.#runs].map((run) => run.ended));
  }
}

function spawnCommand({ file, args, env, cwd, stdin, terminal }: ExecOrder): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...env },
      detached: true,
      stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe', ...(terminal ? (['pipe'] as const) : [])],
    });
    if (child.pid === undefined) child.once('error', reject);
    else resolve(child);
  });
}

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { createSandbox, type HostSandbox } from '../../src/sandbox/create-sandbox.ts';
import { runConfined, type ConfinedOutcome, type RunOptions } from '../../src/sandbox/run.ts';
import type { ConfineRequest } from '../../src/sandbox/sandbox.ts';
import { ownIdOf } from './own-ids.ts';
import { requirement, rootRequirement } from './require.ts';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);

/** Compiles test/fixtures/hostile/hostile.c into `dir`; the program any user can run. */
export async function compileHostile(dir: string): Promise<string> {
  const source = resolve(import.meta.dirname, '../fixtures/hostile/hostile.c');
  const program = join(dir, 'hostile');
  await run('cc', ['-O1', '-o', program, source]);
  await chmod(program, 0o755);
  return program;
}

/** A sandbox with folders of its own and a uid nobody else has. */
export interface TestSandbox {
  readonly sandbox: HostSandbox;
  readonly dir: string;
  /** Owned by `uid`. */
  readonly home: string;
  readonly stateDir: string;
  readonly uid: number;
  request(command: readonly string[], changes?: Partial<ConfineRequest>): ConfineRequest;
  /** Confines, runs and collects the lines of both streams. */
  run(request: ConfineRequest, options?: Partial<RunOptions>, signal?: AbortSignal): Promise<TestRun>;
}

export interface TestRun {
  readonly outcome: ConfinedOutcome;
  readonly lines: readonly string[];
}

/** Undefined when this host cannot do it and the test was skipped. */
export async function rootSandbox(t: TestContext): Promise<TestSandbox | undefined> {
  if (!rootRequirement(t)) return undefined;
  const dir = tempDir(t);
  const sandbox = await createSandbox({ stateDir: join(dir, 'state'), runDir: join(dir, 'run') });
  t.after(async () => {
    await sandbox.sweep(new Set());
    await sandbox.close();
  });
  if (!requirement(t, sandbox.abilities.cgroup !== 'none' && sandbox.abilities.setpriv, 'needs cgroups and setpriv')) {
    return undefined;
  }
  const uid = ownIdOf(dir);
  const [home, stateDir] = [join(dir, 'home'), join(dir, 'state')];
  await Promise.all([mkdir(home), mkdir(stateDir, { mode: 0o700 })]);
  await chown(home, uid, uid);
  return { sandbox, dir, home, stateDir, uid, ...actions(sandbox, home, uid) };
}

function actions(sandbox: HostSandbox, home: string, uid: number): Pick<TestSandbox, 'request' | 'run'> {
  let count = 0;
  return {
    request: (command, changes = {}) => ({
      id: `t${(count += 1)}`,
      command,
      env: { PATH: '/usr/bin:/bin' },
      cwd: home,
      identity: { uid, gid: uid, groups: [] },
      identityLater: false,
      limits: { memoryBytes: 64 * 2 ** 20, cpuMillis: 0, pids: 32, fileBytes: 0, openFiles: 0 },
      network: 'host',
      isolation: 'auto',
      binds: [],
      hidden: [],
      writable: [home],
      ...changes,
    }),
    async run(request, options = {}, signal = new AbortController().signal) {
      const lines: string[] = [];
      const defaults: RunOptions = {
        onOutput: (_stream, line) => lines.push(line),
        timeoutMs: 10_000,
        killAfterMs: 500,
        maxOutputBytes: 2 ** 20,
      };
      const outcome = await runConfined(await sandbox.confine(request), { ...defaults, ...options }, signal);
      return { outcome, lines };
    },
  };
}

/** Living processes of one user. */
export function processesOf(uid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return status.includes(`\nUid:\t${uid}\t`) && !/^State:\s+[ZX]/m.test(status);
      } catch {
        return false;
      }
    });
}

import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';

/**
 * Pid of the program itself behind the pid that was spawned. The launcher replaces itself, so the two are equal,
 * except inside bubblewrap, whose outer process and init stay. Send a stop signal here; kill with `destroyCage`.
 */
export async function findProgram(leader: number): Promise<number> {
  let pid = leader;
  // bubblewrap is at most two processes deep; the bound is for a program that calls itself the same.
  for (let depth = 0; depth < 3; depth += 1) {
    const name = await readFile(`/proc/${pid}/comm`, 'latin1').catch(() => '');
    if (name.trim() !== 'bwrap') return pid;
    const child = await firstChild(pid);
    if (child === undefined) return pid;
    pid = child;
  }
  return pid;
}

/**
 * A process behind `leader` that is in all namespaces of the program: inside bubblewrap the first one there, which is
 * not the program's to change.
 */
export async function findResident(leader: number, pidNamespace: boolean): Promise<number> {
  return pidNamespace ? ((await firstChild(leader)) ?? leader) : leader;
}

/** The oldest living child of a process. */
export async function firstChild(pid: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1').catch(() => '');
  const child = Number(children.split(' ')[0]);
  return child > 0 ? child : undefined;
}

/** Sends a signal to the program behind `leader`; false when it is gone. */
export async function signalProgram(leader: number, signal: NodeJS.Signals): Promise<boolean> {
  try {
    return process.kill(await findProgram(leader), signal);
  } catch {
    return false;
  }
}

export interface ProgramExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** What the program ended with: bubblewrap reports a signal as 128 + its number. */
export function programExit(
  protections: { readonly pidNamespace: boolean },
  exitCode: number | null,
  signal: string | null,
): ProgramExit {
  if (!protections.pidNamespace || exitCode === null || exitCode <= 128) return { exitCode, signal };
  const name = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
  return name === undefined ? { exitCode, signal } : { exitCode: null, signal: name };
}

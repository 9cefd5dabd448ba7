import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { promisify } from 'node:util';
import { type Need, findObstacle } from './find-obstacles.ts';
import type { Identity } from './sandbox.ts';

export interface ResolvedInterpreter {
  /** Absolute path of the real binary; undefined when no candidate will do. */
  readonly path: string | undefined;
  /** Why each candidate before it was passed over. */
  readonly reasons: readonly string[];
}

/**
 * The first Python among `candidates` (absolute paths) that `identity` can run, standard library included. Each is
 * asked for its `sys.executable`, so version managers' shims resolve to the binary behind them. Without identity the
 * platform's own user is meant.
 */
export async function resolveInterpreter(
  candidates: readonly string[],
  identity: Identity | undefined,
): Promise<ResolvedInterpreter> {
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const answer = await askPython(candidate);
    if ('reason' in answer) reasons.push(`${candidate}: ${answer.reason}`);
    else {
      const obstacle = identity === undefined ? undefined : findPythonObstacle(answer, identity);
      if (obstacle === undefined) return { path: answer.executable, reasons };
      reasons.push(`${candidate} is ${answer.executable}, but ${obstacle}`);
    }
  }
  return { path: undefined, reasons };
}

interface Python {
  readonly executable: string;
  readonly library: string;
}

async function askPython(candidate: string): Promise<Python | { readonly reason: string }> {
  const exists = await stat(candidate).catch(() => undefined);
  if (exists === undefined) return { reason: 'it does not exist' };
  const env = { HOME: homeFolder(), PATH: '/usr/local/bin:/usr/bin:/bin' };
  const options = { env, cwd: '/', timeout: 10_000, killSignal: 'SIGKILL' as const };
  try {
    const question = 'import sys, os; print(sys.executable); print(os.__file__)';
    const { stdout } = await promisify(execFile)(candidate, ['-I', '-c', question], options);
    const [executable, library] = stdout.split('\n');
    if (executable?.startsWith('/') && library?.startsWith('/')) return { executable, library };
    return { reason: 'it does not say where it is' };
  } catch (error) {
    return { reason: `it cannot be asked: ${(error as Error).message.split('\n')[0]}` };
  }
}

/** A user may be a number alone, as in many containers, and then has no entry that names a home. */
function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}

function findPythonObstacle(python: Python, identity: Identity): string | undefined {
  return describeObstacle(python.executable, identity, 'execute') ?? describeObstacle(python.library, identity, 'read');
}

function describeObstacle(path: string, identity: Identity, need: Need): string | undefined {
  const found = findObstacle(path, identity, need);
  if (found === undefined) return undefined;
  if (found.kind === 'absent') return `${found.at} does not exist`;
  if (found.kind === 'links') return `${path} has too many links`;
  return `user ${identity.uid} cannot ${found.kind === 'pass' ? 'pass' : need} ${found.at}`;
}

import { execFile } from 'node:child_process';
import { lstat, readlink, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import type { Identity } from './sandbox.ts';

/**
 * Whether a user could execute the file, or pass through the folder, at an absolute path, by the mode bits of it and
 * of every folder on the way, symbolic links followed. Access lists are not considered.
 */
export async function canRun(path: string, uid: number, gid: number, groups: readonly number[] = []): Promise<boolean> {
  return (await findObstacle(path, { uid, gid, groups }, executeBit)) === undefined;
}

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
      const obstacle = identity === undefined ? undefined : await findPythonObstacle(answer, identity);
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

async function findPythonObstacle(python: Python, identity: Identity): Promise<string | undefined> {
  return (
    (await findObstacle(python.executable, identity, executeBit)) ??
    (await findObstacle(python.library, identity, readBit))
  );
}

const executeBit = 0o1;
const readBit = 0o4;
const mostLinks = 40;

/** Walks the path as the kernel would; a sentence about the first thing in the way. */
async function findObstacle(path: string, identity: Identity, bit: number): Promise<string | undefined> {
  let rest = resolve(path).split(sep).filter(Boolean);
  let at = '/';
  for (let links = 0; rest.length > 0; ) {
    const here = await lstat(at).catch(() => undefined);
    if (here === undefined || !permits(here, identity, executeBit)) return `user ${identity.uid} cannot pass ${at}`;
    const [name = '', ...others] = rest;
    const next = join(at, name);
    const facts = await lstat(next).catch(() => undefined);
    if (facts === undefined) return `${next} does not exist`;
    if (facts.isSymbolicLink()) {
      if (++links > mostLinks) return `${path} has more than ${mostLinks} links`;
      const target = resolve(dirname(next), await readlink(next));
      [at, rest] = ['/', [...target.split(sep).filter(Boolean), ...others]];
    } else [at, rest] = [next, others];
  }
  const facts = await lstat(at).catch(() => undefined);
  const fine = facts !== undefined && permits(facts, identity, facts.isDirectory() ? executeBit : bit);
  return fine ? undefined : `user ${identity.uid} cannot ${bit === readBit ? 'read' : 'execute'} ${at}`;
}

interface Modes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The kernel's rule: the first class that fits decides alone. */
function permits(facts: Modes, { uid, gid, groups }: Identity, bit: number): boolean {
  if (uid === 0) return bit === readBit || (facts.mode & 0o111) !== 0;
  if (facts.uid === uid) return (facts.mode & (bit << 6)) !== 0;
  if (facts.gid === gid || groups.includes(facts.gid)) return (facts.mode & (bit << 3)) !== 0;
  return (facts.mode & bit) !== 0;
}

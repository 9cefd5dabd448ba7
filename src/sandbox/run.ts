/**
 * Runs one confined program to its end: a build step, a one-shot command.
 *
 * Owns: spawning, its output, its time and disk limits, the reason it ended, emptying its cage.
 * Does not own: the walls (`Confined` brings them), programs that keep running (the keeper's).
 *
 * Invariants
 * 1. When the promise settles, no process of the cage is alive and the cage is gone, whatever happened.
 * 2. The first reason wins: what ends it is written down before anything is sent to it.
 * 3. Output costs bounded memory: lines are cut, and beyond the byte limit they are dropped, not stored.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { TinderboxError } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import { cageOomKilled, destroyCage } from './cage.ts';
import { watchDisk, type DiskLimit } from './disk-watch.ts';
import { createLineSplitter } from './line-splitter.ts';
import { programExit, signalProgram } from './program.ts';
import type { Confined } from './sandbox.ts';

export type OutputStream = 'stdout' | 'stderr';

export interface RunOptions {
  /** Written to its standard input, which then ends; absent: an empty one. */
  readonly stdin?: Buffer;
  /** One line of output, without its end, at most 65,536 characters. */
  onOutput(stream: OutputStream, line: string): void;
  /** Time until SIGTERM; 0 = no limit. */
  readonly timeoutMs: number;
  /** Time from SIGTERM to the kill of everything inside. */
  readonly killAfterMs: number;
  /** Bytes of output handed on, both streams together; what follows is dropped. */
  readonly maxOutputBytes: number;
  /** It is killed once this folder occupies more. */
  readonly diskLimit?: DiskLimit;
}

/** An outcome with what only a confined run knows. */
export interface ConfinedOutcome extends Outcome {
  readonly diskExceeded: boolean;
  readonly outputTruncated: boolean;
}

type Reason = 'timedOut' | 'canceled' | 'diskExceeded';

/**
 * Runs it and resolves with how it ended; a failing program is an outcome, not an error. Rejects with `internal`
 * when it cannot be spawned at all or something inside survives the kill.
 */
export async function runConfined(
  confined: Confined,
  options: RunOptions,
  signal: AbortSignal,
): Promise<ConfinedOutcome> {
  const startedAt = performance.now();
  const child = spawn(confined.file, confined.args, {
    cwd: confined.cwd,
    env: confined.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = readOutput(child, options);
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.stdin);
  const ended = exitOf(child);
  const supervision = supervise(confined, child, options, signal);
  try {
    const exit = programExit(confined.protections, ...(await ended));
    supervision.stop();
    const oomKilled = (await cageOomKilled(confined.cage)) && exit.exitCode !== 0;
    const reason = supervision.reason();
    const durationMs = performance.now() - startedAt;
    const facts = { ...exit, durationMs, oomKilled: oomKilled && reason === undefined };
    return { ...outcomeOf(facts, reason), outputTruncated: await output.done(confined, child.pid) };
  } finally {
    supervision.stop();
    await empty(confined, child.pid);
  }
}

type ExitFacts = Pick<Outcome, 'exitCode' | 'signal' | 'durationMs' | 'oomKilled'>;

function outcomeOf(facts: ExitFacts, reason: Reason | undefined): Omit<ConfinedOutcome, 'outputTruncated'> {
  return {
    ...facts,
    ok: facts.exitCode === 0 && reason === undefined,
    timedOut: reason === 'timedOut',
    canceled: reason === 'canceled',
    diskExceeded: reason === 'diskExceeded',
  };
}

function exitOf(child: ChildProcess): Promise<[number | null, string | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new TinderboxError('internal', `${child.spawnfile} cannot be started: ${cause.message}`, { cause }));
    });
    child.once('exit', (code, signal) => resolve([code, signal]));
  });
}

interface Supervision {
  reason(): Reason | undefined;
  stop(): void;
}

/** Waits for whatever ends the program early; the first such thing is the reason. */
function supervise(confined: Confined, child: ChildProcess, options: RunOptions, signal: AbortSignal): Supervision {
  let reason: Reason | undefined;
  const over = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const end = (why: Reason): void => {
    if (reason !== undefined || over.signal.aborted) return;
    reason = why;
    const graceMs = why === 'diskExceeded' ? 0 : options.killAfterMs;
    if (graceMs > 0 && child.pid !== undefined) void signalProgram(child.pid, 'SIGTERM');
    timers.push(setTimeout(() => void destroyCage(confined.cage, leaderOf(child.pid)), graceMs));
  };
  const cancel = (): void => end('canceled');
  if (options.timeoutMs > 0) timers.push(setTimeout(() => end('timedOut'), options.timeoutMs));
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  if (options.diskLimit !== undefined && options.diskLimit.bytes > 0) {
    void watchDisk(options.diskLimit, over.signal).then((exceeded) => exceeded && end('diskExceeded'));
  }
  return {
    reason: () => reason,
    stop() {
      over.abort();
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    },
  };
}

interface Output {
  /** Empties the cage, so that nothing holds the pipes any more, and reads them to their end; whether lines were dropped. */
  done(confined: Confined, leader: number | undefined): Promise<boolean>;
}

function readOutput(child: ChildProcess, options: RunOptions): Output {
  let left = options.maxOutputBytes;
  let truncated = false;
  const read = (name: OutputStream, stream: Readable | null): Promise<void> => {
    if (stream === null) return Promise.resolve();
    const splitter = createLineSplitter((line) => options.onOutput(name, line));
    stream.on('data', (chunk: Buffer) => {
      if (left > 0) splitter.write(chunk.subarray(0, left));
      truncated ||= chunk.length > left;
      left = Math.max(0, left - chunk.length);
    });
    return finished(stream).then(
      () => splitter.end(),
      () => splitter.end(),
    );
  };
  const ends = Promise.all([read('stdout', child.stdout), read('stderr', child.stderr)]);
  return {
    async done(confined, leader) {
      await empty(confined, leader);
      // Where there is no cgroup a daemon may have got away with a pipe in its hands; it must not hold us.
      const timer = setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream?.destroy()), 2_000);
      await ends;
      clearTimeout(timer);
      return truncated;
    },
  };
}

async function empty(confined: Confined, leader: number | undefined): Promise<void> {
  const alive = await destroyCage(confined.cage, leaderOf(leader));
  if (alive.length === 0) return;
  throw new TinderboxError('internal', `cage "${confined.cage.id}" cannot be emptied: ${alive.join(', ')} still run`);
}

function leaderOf(pid: number | undefined): { readonly leader?: number } {
  return pid === undefined ? {} : { leader: pid };
}

import type { Outcome } from '../../../model/outcome.ts';
import type { CageRef } from '../../../sandbox/sandbox.ts';
import type { Places } from './belongings.ts';
import type { ProcessIdentity } from './process-identity.ts';

/**
 * What platform and keeper say to each other: one JSON object per line over the Unix socket `keeper.sock`. A request
 * carries `seq` and is answered with the same `seq`; what happens on its own is an event. `hello` and `shutdown` keep
 * their shape in every version, so that a newer platform can end an older keeper.
 */
export const keeperVersion = 3;

/** Where lines of a program go: `directory/current.log`, marked with the instance. */
export interface LogTarget {
  readonly directory: string;
  readonly instance: string;
}

/** A command that confines itself, as the sandbox made it. */
export interface SpawnRequest {
  /** Unique while it lives: `[a-z0-9-]{1,40}`. */
  readonly id: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly cage: CageRef;
  /** Whether a launcher stays around it and reports its signals as exit codes. */
  readonly pidNamespace: boolean;
  /** Directories that are the program's alone; the keeper removes them when it ends and no platform is there to. */
  readonly traces: readonly string[];
  /** Absent for a warm process: its first lines are held back until it is assigned. */
  readonly log?: LogTarget;
}

/** A command that joins a program which runs. */
export interface ExecOrder {
  /** Names it on record: `[a-z0-9-]{1,40}`, unique while it lives. */
  readonly id: string;
  /** The program it joins, with which it ends. */
  readonly programId: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Inside the program's; made and removed by the keeper. */
  readonly cage: CageRef;
  readonly stdin: boolean;
  /** Whether new sizes are to be written to its fd 3. */
  readonly terminal: boolean;
  /** Processes between the one that is spawned and the command itself. */
  readonly depth: number;
}

/**
 * First line of a connection of its own: after the answer, which is that of a `spawn`, both sides speak in the frames of
 * `model/exec-frame.ts`, and whoever hangs up ends the command.
 */
export interface ExecRequest {
  readonly op: 'exec';
  readonly nonce: string;
  readonly order: ExecOrder;
}

export type KeeperRequest =
  | { readonly op: 'hello'; readonly version: number; readonly nonce: string }
  | { readonly op: 'spawn'; readonly program: SpawnRequest }
  /** Gives a warm process its log. */
  | { readonly op: 'assign'; readonly id: string; readonly log: LogTarget }
  /** Remembers what the platform needs to adopt the program later; opaque here. */
  | { readonly op: 'note'; readonly id: string; readonly note: string }
  | { readonly op: 'stop'; readonly id: string; readonly graceMs: number }
  | { readonly op: 'kill'; readonly id: string }
  | { readonly op: 'lines'; readonly id: string }
  | { readonly op: 'list' }
  | { readonly op: 'shutdown' };

/** Answers, by request. */
export interface KeeperResults {
  readonly hello: KeeperHello;
  readonly spawn: { readonly pid: number };
  readonly assign: null;
  readonly note: null;
  readonly stop: null;
  readonly kill: null;
  readonly lines: readonly string[];
  readonly list: readonly ProgramReport[];
  readonly shutdown: null;
}

export interface KeeperHello {
  readonly version: number;
  readonly bootId: string;
  readonly pid: number;
}

/** How a program ended and the last lines it wrote (at most 20). */
export interface Ending {
  readonly outcome: Outcome;
  readonly lastLines: readonly string[];
}

export interface ProgramReport {
  readonly id: string;
  readonly pid: number;
  readonly cage: CageRef;
  readonly listening: boolean;
  readonly note?: string;
  /** Present when it ended while no platform was connected. */
  readonly ending?: Ending;
}

export type KeeperEvent =
  | { readonly event: 'listening'; readonly id: string }
  /** Its process is over; `exited` follows when nothing of it is left. */
  | { readonly event: 'exiting'; readonly id: string }
  | { readonly event: 'exited'; readonly id: string; readonly ending: Ending };

export type KeeperReply =
  | { readonly seq: number; readonly result: unknown }
  | { readonly seq: number; readonly error: string; readonly code: KeeperErrorCode };

/** `busy`: another platform holds this keeper. `refused`: wrong nonce. */
export type KeeperErrorCode = 'busy' | 'refused' | 'unknown' | 'failed';

/** Command line of the keeper: one JSON argument of this shape. Holds no secret. */
export interface KeeperConfig {
  /** `runDir/keeper`, 0700: socket, nonce, records. */
  readonly directory: string;
  /** How long it stays without a platform. */
  readonly orphanMs: number;
  /** Size at which a log file is turned over; two are kept. */
  readonly logFileBytes: number;
  /** Log bytes per second taken from one program; beyond it lines are dropped and counted. */
  readonly logBytesPerSecond: number;
  /** Where the platform keeps what must not outlive it. */
  readonly places: Places;
}

/** What to do after a keeper that was killed. */
export interface SweepOrder {
  readonly config: KeeperConfig;
  /** The dead one. */
  readonly keeper: ProcessIdentity;
}

export const keeperFiles = { socket: 'keeper.sock', nonce: 'nonce', self: 'keeper.json', records: 'programs' } as const;

import type { Artifact } from '../model/artifact.ts';
import type { ExecCommand, ExecSession } from '../model/exec.ts';
import type { Instance } from '../model/instance.ts';
import type { LogLine, LogQuery } from '../model/log-line.ts';
import type { RevisionId } from '../model/names.ts';
import type { FunctionSettings } from '../model/settings.ts';

/** All an engine needs to run a revision; made by control from the store alone. */
export interface Workload {
  readonly revision: RevisionId;
  readonly namespace: string;
  readonly name: string;
  /** Numeric user and group owned by this function alone; undefined where the platform cannot change users. */
  readonly identity?: { readonly uid: number; readonly gid: number };
  readonly artifact: Artifact;
  /** Command line given at deploy (`envProcess`); overrides the manifest's. */
  readonly process?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, Buffer>>;
  readonly settings: FunctionSettings;
  readonly readOnlyRootFilesystem: boolean;
}

/** Differences between engines; each default is the first value named. */
export interface EngineCapabilities {
  /** `bundle`: runs directories made by the builder. `image`: runs OCI images. */
  readonly artifacts: 'bundle' | 'image';
  /** Whether the engine keeps the count itself (Swarm, Kubernetes) or the platform does. */
  readonly keepsCount: boolean;
  /** Whether instances outlive the platform for a while and are taken back. */
  readonly adopts: boolean;
}

export interface InstanceChange {
  readonly instance: Instance;
}

/**
 * Where instances run. `apply` and `scale` state what should be; reaching it is the engine's own business, and each
 * change of an instance reaches the watchers. Level-triggered: stating the same again changes nothing.
 */
export interface Engine {
  readonly name: string;
  readonly capabilities: EngineCapabilities;
  /** Once; afterwards instances left by an earlier platform are adopted or cleaned up. */
  start(): Promise<void>;
  /** Stops every instance (drain, then kill) and lets go of everything. Idempotent. */
  close(): Promise<void>;
  /** Makes a revision known; starts nothing. Throws `invalid` or `unsupported` when it can never run here. */
  apply(workload: Workload): Promise<void>;
  /** Forgets a revision: its instances drain and stop. Unknown ids are fine. */
  remove(revision: RevisionId): Promise<void>;
  /** States how many instances there should be. A crash is made up for with back-off. */
  scale(revision: RevisionId, count: number): Promise<void>;
  /** Takes one instance out of service and replaces it: no new calls, killed after its grace. */
  retire(instanceId: string, reason: string): void;
  /**
   * Whether an instance that serves HTTP is itself who accepts connections at its address; ask once a connection is
   * open. A program that lets go of its port, or crashes, may find it taken by another one.
   */
  ownsAddress(instanceId: string): Promise<boolean>;
  /** Current instances, also stopped and failed ones of the last minutes. */
  instances(): readonly Instance[];
  /** Calls back synchronously on every change; returns the way to stop. */
  watch(listener: (change: InstanceChange) => void): () => void;
  /** Lines of one function, oldest first; with `follow` until the signal aborts. */
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /**
   * Runs a command beside a ready or draining instance, inside its walls, until it ends, the session is closed, or the
   * instance ends; none of its processes outlives that. Rejects with `not-found` for any other instance, `unsupported`
   * and `cannot-start`. Absent: this engine cannot.
   */
  exec?(instanceId: string, command: ExecCommand): Promise<ExecSession>;
}

import type { RevisionId } from './names.ts';
import type { Outcome } from './outcome.ts';

/** Where the router reaches an instance. */
export type InstanceAddress =
  | {
      readonly kind: 'frame';
      readonly socketPath: string;
      /** Numeric user that owns the socket: nothing else is connected to. */
      readonly owner: number;
    }
  | { readonly kind: 'http'; readonly host: string; readonly port: number };

/** `starting` → `ready` → `draining` → `stopped`; `failed` from anywhere. */
export type InstanceState = 'starting' | 'ready' | 'draining' | 'stopped' | 'failed';

/** What is in force for an instance, never silently weaker than asked for. */
export interface Protections {
  /** Numeric uid the code runs as; undefined: the platform's own user. */
  readonly uid?: number;
  readonly cgroup: 'v1' | 'v2' | 'none';
  readonly noNewPrivileges: boolean;
  readonly mountNamespace: boolean;
  readonly pidNamespace: boolean;
  readonly network: 'host' | 'none';
  readonly memoryLimit: 'cgroup' | 'rlimit' | 'none';
  /** Protections that could not be had here, each with the reason. */
  readonly missing: readonly string[];
}

/** One running copy of a revision. */
export interface Instance {
  readonly id: string;
  readonly revision: RevisionId;
  readonly state: InstanceState;
  /** Present from `ready` on. */
  readonly address?: InstanceAddress;
  /** Calls it takes at once. */
  readonly concurrency: number;
  readonly pid?: number;
  readonly startedAtMs: number;
  /** Whether it came out of the warm pool. */
  readonly pooled: boolean;
  readonly protections: Protections;
  /** Present when `stopped` or `failed`. */
  readonly outcome?: Outcome;
  /** Why it failed: a line in the platform's words that a stranger may read, then what the program said. */
  readonly reason?: string;
}

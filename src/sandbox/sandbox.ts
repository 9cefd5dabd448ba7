import type { Protections } from '../model/instance.ts';
import type { Isolation, Network } from '../model/settings.ts';

/** Numeric owner of a function's or a build's processes and files. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, for example that of the artifact it may read. */
  readonly groups: readonly number[];
}

export interface Limits {
  /** 0 = none, in all of them. */
  readonly memoryBytes: number;
  readonly cpuMillis: number;
  readonly pids: number;
  /** Largest file it may write (RLIMIT_FSIZE). */
  readonly fileBytes: number;
  readonly openFiles: number;
}

/** A directory shown inside the sandbox at `target`; needs a mount namespace. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** An untrusted program and the walls around it. */
export interface ConfineRequest {
  /** `[a-z0-9-]{1,40}`, unique while it lives; names the cgroup. */
  readonly id: string;
  readonly command: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly identity: Identity | undefined;
  /**
   * A warm process that is still our own code: it starts as the platform's user inside its final cgroup and
   * namespaces and changes to its identity itself, before foreign code runs.
   */
  readonly identityLater: boolean;
  readonly limits: Limits;
  readonly network: Network;
  readonly isolation: Isolation;
  readonly binds: readonly Bind[];
  /** Directories that must not be visible where the sandbox shares the platform's user. */
  readonly hidden: readonly string[];
  readonly writable: readonly string[];
  /**
   * A folder of its own, shown as /tmp inside a file system that is otherwise read-only but for `writable`: asks for
   * bubblewrap, also as root. Where that cannot be had it is reported. Default: no such wish.
   */
  readonly readOnlyWithTmp?: string;
}

/** Serialisable: what it takes to kill everything inside, also from another process and after a restart. */
export interface CageRef {
  readonly id: string;
  /** Absolute cgroup directories, one per controller hierarchy; empty without cgroups. */
  readonly cgroups: readonly string[];
  readonly version: 'v1' | 'v2' | 'none';
}

/** A command ready to be spawned by anyone: it confines itself before the first untrusted instruction. */
export interface Confined {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly cage: CageRef;
  readonly protections: Protections;
}

/** What this host can do, found by doing it once. */
export interface Abilities {
  readonly root: boolean;
  readonly cgroup: 'v1' | 'v2' | 'none';
  readonly setpriv: boolean;
  readonly mountNamespace: boolean;
  readonly pidNamespace: boolean;
  readonly networkNamespace: boolean;
  readonly bubblewrap: string | undefined;
  /** Each absent ability with its reason, for `describe` and the start log. */
  readonly missing: readonly string[];
}

/** Puts walls around untrusted programs, functions and builds alike. */
export interface Sandbox {
  readonly abilities: Abilities;
  /** Makes the cage (cgroup with its limits) and the command. Throws `unsupported` rather than be weaker than asked. */
  confine(request: ConfineRequest): Promise<Confined>;
  /** Changes memory, CPU and pid limits of a living cage. */
  limit(cage: CageRef, limits: Limits): Promise<void>;
  /** Kills every process inside, double forks included, and removes the cage. Idempotent. */
  destroy(cage: CageRef): Promise<void>;
  /** Whether the kernel killed something inside for memory. */
  oomKilled(cage: CageRef): Promise<boolean>;
}

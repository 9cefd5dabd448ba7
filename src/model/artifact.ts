/** What runs a bundle: a first-party runtime that speaks frames, or the bundle's own program. */
export type Language = 'node' | 'python' | 'exec';

/**
 * How calls reach the code. `frame`: a Node or Python handler inside a first-party runtime; `fork`: one process per
 * call, stdin to stdout, started by the watchdog; `http`: the program listens on `$PORT`.
 */
export type InvokeMode = 'frame' | 'fork' | 'http';

/** `manifest.json` at the top of every artifact directory; all that is needed to run it. */
export interface Manifest {
  readonly format: 1;
  readonly language: Language;
  readonly mode: InvokeMode;
  /** Module with the handler, relative to the artifact directory; for `frame`. */
  readonly handler?: string;
  /** Command line for `fork` and `http`, split as a shell would without running one; relative to `workdir`. */
  readonly process?: string;
  /** Directory the code runs in, relative to the artifact directory. */
  readonly workdir: string;
  /** Environment the function has unless its own says otherwise, as a template's Dockerfile sets it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Extra module search paths, relative to the artifact directory (Python's `site-packages`). */
  readonly modulePaths: readonly string[];
  /** Resolved dependencies, name to exact version. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Compile cache of the packages (Node), made by the build, relative to the artifact directory; read-only at run. */
  readonly compileCache?: string;
  /** Version of interpreter or tool chain, for example `node 26.10.0`. */
  readonly toolchain: string;
  readonly builder: string;
}

/** One immutable build result. */
export interface Artifact {
  /** `sha256:` and 64 hex digits: hash of the normalised source and of all that shapes the build. */
  readonly digest: string;
  /** Absolute path of its directory. */
  readonly directory: string;
  /** Group that may read it; an instance gets it as a supplementary group. Absent without uid separation. */
  readonly gid?: number;
  readonly manifest: Manifest;
  readonly bytes: number;
  readonly builtAt: string;
}

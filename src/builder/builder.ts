import type { Artifact } from '../model/artifact.ts';
import type { BuildSecrets } from './build-secrets.ts';

/** What to build. `directory` holds the untrusted source, already unpacked and checked. */
export interface BuildRequest {
  readonly namespace: string;
  /** Image name the artifact is recorded under when the build succeeded. */
  readonly image: string;
  readonly directory: string;
  /** `node`, `python`, `exec`, or undefined: found from the files. */
  readonly language?: string;
  /** Command line of an `exec` function. */
  readonly process?: string;
  /** `fork` (default) or `http`, for `exec`. */
  readonly mode?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Files for the build's own commands; no part of what makes two builds equal. Default none. */
  readonly secrets?: BuildSecrets;
  /** Builds although an equal artifact exists. */
  readonly noCache: boolean;
}

/** Source → artifact. Equal builds in flight are one; a failed build leaves nothing behind. */
export interface Builder {
  /** Folder with an entry per build that has secrets; to be emptied also when the platform is killed and stays away. */
  readonly secretsRoot: string;
  /** Rejects with `invalid` (source), `build-failed` (with the last log lines) or `disk-full`. */
  build(request: BuildRequest, onLog: (line: string) => void, signal: AbortSignal): Promise<Artifact>;
  /** The artifact an image name stands for now. */
  resolve(image: string): Promise<Artifact | undefined>;
  /** The artifact with this digest. */
  artifact(digest: string): Promise<Artifact | undefined>;
  /** Known image names with their digest, for listing and garbage collection. */
  images(): Promise<readonly { readonly image: string; readonly digest: string; readonly builtAt: string }[]>;
  /** Deletes artifacts that no image name and no digest of `keep` refers to. Resolves with what went. */
  collect(keep: ReadonlySet<string>): Promise<readonly string[]>;
  close(): Promise<void>;
}

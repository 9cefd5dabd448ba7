import type { Manifest } from '../model/artifact.ts';
import type { ErrorCode } from '../model/errors.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Confined, ConfineRequest } from '../sandbox/sandbox.ts';
import type { BuildOrder } from './build-order.ts';

/** Begins the name, in `runDir/artifacts`, of an artifact that a forced build is replacing. */
export const asidePrefix = '.old-';

/** What a build worker must know once; the first message it gets. */
export interface WorkerSettings {
  readonly runDir: string;
  /** Must not be visible to a build where the sandbox can hide it. */
  readonly stateDir: string | undefined;
  /** Whether the sandbox can give a build a file system view of its own. */
  readonly boxed: boolean;
  /** Folders programs are looked for in, `:`-separated. */
  readonly toolPath: string;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Registry settings given to untrusted steps. */
  readonly env: Readonly<Record<string, string>>;
}

/** Permission to build, with the identities to use; they are absent without uid separation. */
export interface BuildGrant {
  readonly artifactGid: number | undefined;
  readonly buildUid: number | undefined;
}

/** What the worker found out before anything was built. */
export interface PlannedBuild {
  readonly digest: string;
  /** Whether untrusted steps run. */
  readonly confines: boolean;
}

/** The finished directory lies at `runDir/artifacts/<hex>`. */
export interface BuiltArtifact {
  readonly manifest: Manifest;
  readonly bytes: number;
}

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

export type Answer = { readonly confined: Confined } | { readonly error: WireError };

export type ToWorker =
  | { readonly kind: 'setup'; readonly settings: WorkerSettings }
  | { readonly kind: 'plan'; readonly id: string; readonly order: BuildOrder }
  | { readonly kind: 'go'; readonly id: string; readonly grant: BuildGrant }
  | { readonly kind: 'cancel'; readonly id: string }
  | { readonly kind: 'answer'; readonly id: string; readonly answer: Answer };

export type FromWorker =
  | { readonly kind: 'planned'; readonly id: string; readonly planned: PlannedBuild }
  /** Only the platform makes cages; one request at a time per build. */
  | { readonly kind: 'confine'; readonly id: string; readonly request: ConfineRequest }
  | { readonly kind: 'log'; readonly id: string; readonly line: string }
  | { readonly kind: 'built'; readonly id: string; readonly built: BuiltArtifact }
  | { readonly kind: 'failed'; readonly id: string; readonly error: WireError };

export function wireErrorFrom(reason: unknown): WireError {
  const error = isDiskFull(reason)
    ? new TinderboxError('disk-full', 'the disk that holds the run folder is full', { cause: reason })
    : TinderboxError.from(reason);
  const plain = { code: error.code, message: error.message };
  return error.hint === undefined ? plain : { ...plain, hint: error.hint };
}

export function errorFromWire(error: WireError): TinderboxError {
  return new TinderboxError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
}

function isDiskFull(reason: unknown): boolean {
  const code = reason instanceof Error ? (reason as NodeJS.ErrnoException).code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

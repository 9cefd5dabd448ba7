import type { BuildSignatures } from '../auth/build-signature.ts';
import type { Builder } from '../builder/builder.ts';
import type { Engine } from '../engine/engine.ts';
import type { Instance } from '../model/instance.ts';
import type { FunctionKey, RevisionId } from '../model/names.ts';
import type { ScalingSettings } from '../model/scaling.ts';
import type { ScalingDecision, ScalingReport } from '../model/scaling-report.ts';
import type { BuilderKey } from '../secrets/builder-key.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { Store } from '../store/store.ts';
import type { PlannedRun } from '../events/schedule/scheduler.ts';
import type { Catalog } from './catalog.ts';
import type { StoredCalls } from './invocations.ts';
import type { Usage } from './function-status.ts';
import type { RunningTriggers } from './triggers.ts';

/** What the API asks of the scaler. */
export interface ReplicaScaler {
  /** Sets a count by hand; resolves with what it became. Rejects with `not-found` for a revision that is not running. */
  setReplicas(revision: RevisionId, count: number): Promise<number>;
  counts(): ReadonlyMap<RevisionId, number>;
  /** Holds at least a count while an alert fires; 0 ends it. */
  alert(revision: RevisionId, count: number): void;
  /** Resolves when an instance is ready; rejects with the reason there is none. */
  wake(revision: RevisionId): Promise<void>;
  /** How a revision is scaled now; undefined for one that is not running. */
  explain(revision: RevisionId): ExplainedScaling | undefined;
  /** Why a revision that should run has no instance; undefined when it has one, sleeps, or is on its first start. */
  obstacle(revision: RevisionId): string | undefined;
}

/** What the scaler knows of a revision. */
export interface ExplainedScaling extends Pick<ScalingReport, 'ready'> {
  readonly scaling: ScalingSettings;
  readonly desired: number;
  readonly decision: ScalingDecision | undefined;
  readonly change: ScalingDecision | undefined;
  readonly meterFailure: string | undefined;
}

/** Bounds of commands that are run beside instances. */
export interface ExecLimits {
  /** Sessions at once; default 16. */
  readonly sessions: number;
  /** Longest silence of a session; default 1 h. */
  readonly idleMs: number;
}

/** What the platform says of itself. */
export interface PlatformVersion {
  /** Semantic version. */
  readonly release: string;
  readonly sha: string;
  readonly commitMessage: string;
}

export interface ApiDeps {
  readonly store: Store;
  readonly secrets: Pick<Secrets, 'put' | 'get' | 'list' | 'delete' | 'rotate'>;
  readonly builder: Pick<Builder, 'build' | 'resolve' | 'images'>;
  readonly engine: Pick<Engine, 'instances' | 'logs' | 'name' | 'exec'>;
  readonly scaler: ReplicaScaler;
  /** Absolute; each build's source is unpacked into a folder of its own below it, and removed afterwards. */
  readonly sourceDir: string;
  readonly version: PlatformVersion;
  /** JSON of the functions that any client can deploy, in OpenFaaS's format; default none. */
  readonly functionStore?: string;
  /** Who may build without the password. */
  readonly signatures: BuildSignatures;
  /** Calls nobody waits for. */
  readonly calls: StoredCalls;
  /** When the clock calls which function. */
  readonly schedules: () => readonly PlannedRun[];
  /** What sets functions off, as it runs. */
  readonly triggers: RunningTriggers;
  /** Opens the secrets that come with a source. */
  readonly sealed: BuilderKey;
  /** Calls of a function so far, for lists; default 0. */
  readonly invocationCount?: (key: FunctionKey) => number;
  /** What instances use now; default unknown. */
  readonly usage?: (instances: readonly Instance[]) => Promise<Usage | undefined>;
  /** Memory promised to all instances together; a function that asks for more could never start. Default no limit. */
  readonly hostMemoryBytes?: number;
  /** Commands beside instances; see {@link ExecLimits}. */
  readonly exec?: ExecLimits;
  /** Keeps a revision from falling asleep until the returned function is called; default nothing does. */
  readonly holdAwake?: (revision: RevisionId) => () => void;
  /** Largest signed source, default 256 MiB. */
  readonly maxUploadBytes?: number;
  /** Largest JSON body, default 4 MiB. */
  readonly maxBodyBytes?: number;
}

/** The use cases' common ground. */
export interface ApiParts extends ApiDeps {
  readonly catalog: Catalog;
  /** Aborts when the platform stops: answers that go on for ever end then. */
  readonly stopping: AbortSignal;
}

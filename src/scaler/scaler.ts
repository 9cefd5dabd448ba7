import type { Engine } from '../engine/engine.ts';
import type { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';
import type { ScalingDefaults } from '../model/scaling.ts';
import type { FunctionSettings } from '../model/settings.ts';
import type { LoadSnapshot } from '../router/router.ts';
import type { HostBudget } from './budget.ts';
import type { HostObservation } from './decide.ts';
import type { Meters } from './meters.ts';
import type { ScalingState } from './scale-target.ts';

export interface Scaler {
  /**
   * Takes charge of a revision the engine knows, with `initial` instances (0: asleep until a call). Stating the same
   * again only refreshes its settings. Rejects with `host-full` when not even one fits; it is tried again at each tick.
   */
  track(revision: RevisionId, settings: FunctionSettings, initial: number): Promise<void>;
  /** Calls may come for a revision that is about to be tracked: they wait for that, or for its refusal or removal. */
  expect(revision: RevisionId): void;
  /** Lets go of a revision; stopping its instances is `engine.remove`'s business. Its waiting callers are refused. */
  untrack(revision: RevisionId): void;
  /** Every wake of this revision rejects with `error` until it is tracked again: it cannot run, and callers learn why. */
  refuse(revision: RevisionId, error: TinderboxError): void;
  /**
   * A call waits for this revision. Resolves when an instance is ready; rejects with `host-full` or `cannot-start` at
   * once when there is no point in waiting. While others are ready it asks for as many more as the waiting calls need.
   */
  wake(revision: RevisionId): Promise<void>;
  /** Sets a count by hand, 0 or within the labels' bounds; the load takes over from there. Resolves with what it became. */
  setReplicas(revision: RevisionId, count: number): Promise<number>;
  /** Holds at least `count` until it is called with 0, as long as the alert is repeated every ten minutes. */
  alert(revision: RevisionId, count: number): void;
  /** How a revision is scaled, and what was decided lately; undefined for one that is not tracked. */
  explain(revision: RevisionId): ScalingState | undefined;
  /** Why a revision that should run has no instance; undefined when it has one, sleeps, or is on its first start. */
  obstacle(revision: RevisionId): string | undefined;
  /** Instances each tracked revision should have now; the map goes on changing. */
  counts(): ReadonlyMap<RevisionId, number>;
  close(): void;
}

export interface ScalerOptions {
  readonly engine: Pick<Engine, 'scale' | 'instances' | 'watch'>;
  /** The router's view of the load; taken at each tick. */
  readonly load: () => readonly LoadSnapshot[];
  readonly budget: HostBudget;
  /** Of metrics the router does not count; default none. */
  readonly meters?: Meters;
  /** What holds for functions that do not say; default nothing. */
  readonly defaults?: ScalingDefaults;
  /** Time between two looks at the load, default 2 s as Knative's autoscaler. */
  readonly intervalMs?: number;
  /** The host at this moment; default: the cores this process may use, and their idle time as the system counts it. */
  readonly host?: (nowMs: number) => HostObservation;
  /** Monotonic clock in ms, the one of `LoadSnapshot.lastActiveMs`; default `performance.now`. */
  readonly now?: () => number;
  /** Unix time in ms, for windows of the clock; default `Date.now`. */
  readonly unixNow?: () => number;
}

import type { InstanceChange } from '../engine/engine.ts';
import type { FunctionKey, RevisionId } from '../model/names.ts';
import type { FunctionSettings } from '../model/settings.ts';

/** Where calls of a function go now. Control writes it, the router reads it on every call. */
export interface Route {
  readonly key: FunctionKey;
  readonly revision: RevisionId;
  readonly settings: FunctionSettings;
}

/** What the scaler needs to know of one revision; taken without waiting. */
export interface LoadSnapshot {
  readonly revision: RevisionId;
  readonly inFlight: number;
  readonly waiting: number;
  readonly ready: number;
  readonly starting: number;
  /** Calls that had a slot and gave it back, since this revision is known. */
  readonly completed: number;
  /** `performance.now()` of the last arrival or departure of a call. */
  readonly lastActiveMs: number;
  /** Highest in flight + waiting since the previous snapshot. */
  readonly peak: number;
}

/** The router as the composition root sees it; the data plane only gets `invoke`. */
export interface Router {
  readonly invoke: import('../model/invocation.ts').Invoke;
  setRoute(route: Route): void;
  removeRoute(key: FunctionKey): void;
  route(key: FunctionKey): Route | undefined;
  /** Feed from `engine.watch`. */
  instanceChanged(change: InstanceChange): void;
  /** Resolves when no call runs in this instance any more; for one that is draining, so that it may be stopped. */
  whenIdle(instanceId: string): Promise<void>;
  load(): readonly LoadSnapshot[];
  /** Refuses new calls, lets the running ones end until the signal aborts. */
  close(signal: AbortSignal): Promise<void>;
}

/** What the router asks of the others; given by the composition root. */
export interface RouterHooks {
  /** A call waits and nothing is ready or starting: make at least one. Rejects with the reason callers get. */
  wake(revision: RevisionId): Promise<void>;
  /** An instance did not confirm a cancel within its grace, or broke the protocol. */
  retire(instanceId: string, reason: string): void;
  /** Whether an HTTP instance itself accepts connections at its address; asked when one is open, before it is used. */
  ownsAddress(instanceId: string): Promise<boolean>;
}

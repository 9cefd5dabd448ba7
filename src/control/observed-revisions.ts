import type { Instance } from '../model/instance.ts';
import type { RevisionId } from '../model/names.ts';
import { formatOutcome } from '../model/outcome.ts';

/** What was seen of one revision's instances. */
export interface ObservedRevision {
  readonly ready: number;
  readonly live: number;
  /** Instances that ended before they were ready since the count was reset. */
  readonly failures: number;
  readonly lastFailure: { readonly instance: string; readonly reason: string } | undefined;
  /** When the first instance since then was seen, in ms of the clock given. */
  readonly firstSeenMs: number | undefined;
}

interface Mutable {
  readonly live: Map<string, 'starting' | 'ready' | 'draining'>;
  failures: number;
  /** The latest of them: the same end may be told more than once. */
  readonly latestFailed: Set<string>;
  lastFailure: { readonly instance: string; readonly reason: string } | undefined;
  firstSeenMs: number | undefined;
}

const keptFailures = 16;
const nothing: ObservedRevision = {
  ready: 0,
  live: 0,
  failures: 0,
  lastFailure: undefined,
  firstSeenMs: undefined,
};

/** Counts instances by revision from the engine's changes, so that no decision walks over all of them. */
export class ObservedRevisions {
  readonly #byFunction = new Map<string, Map<RevisionId, Mutable>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  observe(instance: Instance): void {
    if (instance.state !== 'stopped' && instance.state !== 'failed') {
      const seen = this.#of(instance.revision);
      seen.firstSeenMs ??= this.#now();
      seen.live.set(instance.id, instance.state);
      return;
    }
    const seen = this.#byFunction.get(functionOf(instance.revision))?.get(instance.revision);
    // The same end may be told again after the revision was dropped; nobody would drop it a second time.
    if (seen === undefined) return;
    const before = seen.live.get(instance.id);
    seen.firstSeenMs ??= this.#now();
    seen.live.delete(instance.id);
    if (before === 'ready' || before === 'draining' || instance.outcome?.canceled === true) return;
    countFailure(seen, instance.id);
    const ended = instance.outcome === undefined ? 'it did not start' : formatOutcome(instance.outcome);
    seen.lastFailure = { instance: instance.id, reason: instance.reason ?? ended };
  }

  get(revision: RevisionId): ObservedRevision {
    const seen = this.#byFunction.get(functionOf(revision))?.get(revision);
    if (seen === undefined) return nothing;
    const ready = [...seen.live.values()].filter((state) => state === 'ready').length;
    return {
      ready,
      live: seen.live.size,
      failures: seen.failures,
      lastFailure: seen.lastFailure,
      firstSeenMs: seen.firstSeenMs,
    };
  }

  /** A new attempt begins: failures of the past no longer count. */
  reset(revision: RevisionId): void {
    const seen = this.#of(revision);
    seen.failures = 0;
    seen.latestFailed.clear();
    seen.lastFailure = undefined;
    seen.firstSeenMs = seen.live.size > 0 ? this.#now() : undefined;
  }

  /** Forgets a revision that has no instances left. */
  drop(revision: RevisionId): void {
    const siblings = this.#byFunction.get(functionOf(revision));
    if (siblings?.get(revision)?.live.size !== 0) return;
    siblings.delete(revision);
    if (siblings.size === 0) this.#byFunction.delete(functionOf(revision));
  }

  /** Revisions of `NAMESPACE/NAME` that have instances. */
  liveOf(functionPath: string): readonly RevisionId[] {
    const siblings = this.#byFunction.get(functionPath) ?? new Map<RevisionId, Mutable>();
    return [...siblings].filter(([, seen]) => seen.live.size > 0).map(([id]) => id);
  }

  #of(revision: RevisionId): Mutable {
    const path = functionOf(revision);
    const siblings = this.#byFunction.get(path) ?? new Map<RevisionId, Mutable>();
    this.#byFunction.set(path, siblings);
    const seen = siblings.get(revision) ?? {
      live: new Map(),
      failures: 0,
      latestFailed: new Set(),
      lastFailure: undefined,
      firstSeenMs: undefined,
    };
    siblings.set(revision, seen);
    return seen;
  }
}

/** A revision may crash for weeks: what is kept of that is a number and a few names. */
function countFailure(seen: Mutable, id: string): void {
  if (seen.latestFailed.has(id)) return;
  seen.failures += 1;
  seen.latestFailed.add(id);
  if (seen.latestFailed.size <= keptFailures) return;
  for (const oldest of seen.latestFailed) {
    seen.latestFailed.delete(oldest);
    return;
  }
}

/** `NAMESPACE/NAME` of a revision id. */
function functionOf(revision: RevisionId): string {
  return revision.slice(0, revision.lastIndexOf('-'));
}

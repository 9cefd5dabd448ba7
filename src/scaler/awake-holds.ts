import type { RevisionId } from '../model/names.ts';
import type { LoadSnapshot } from '../router/router.ts';

/** Revisions that somebody is busy with in another way than by calling them, and that must not fall asleep meanwhile. */
export class AwakeHolds {
  readonly #counts = new Map<RevisionId, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Returns the way to let go. */
  hold(revision: RevisionId): () => void {
    this.#counts.set(revision, (this.#counts.get(revision) ?? 0) + 1);
    let held = true;
    return () => {
      const left = (this.#counts.get(revision) ?? 0) - Number(held);
      held = false;
      if (left > 0) this.#counts.set(revision, left);
      else this.#counts.delete(revision);
    };
  }

  /** The load with one call in flight where there is none but a hold: enough for one instance, and never for two. */
  withHolds(loads: readonly LoadSnapshot[]): readonly LoadSnapshot[] {
    if (this.#counts.size === 0) return loads;
    const lastActiveMs = this.#now();
    return loads.map((load) =>
      this.#counts.has(load.revision) && load.inFlight + load.waiting === 0
        ? { ...load, inFlight: 1, peak: Math.max(1, load.peak), lastActiveMs }
        : load,
    );
  }
}

import type { RevisionId } from '../model/names.ts';
import type { LoadSnapshot } from '../router/router.ts';
import { type BudgetDecision, type BudgetUse, decideEviction, decideFreeGrant, type HostBudget } from './budget.ts';
import type { ScaleTarget } from './scale-target.ts';

/** How long it is remembered that nobody can be cut: a burst of wishes on a full host looks once. */
const hopelessMs = 20;

/** Shares the host budget out among the revisions; decides only. */
export class Admission {
  readonly #targets: ReadonlyMap<RevisionId, ScaleTarget>;
  readonly #budget: HostBudget;
  readonly #load: () => readonly LoadSnapshot[];
  /** A wish for this much memory or more found nobody to cut. */
  #hopeless: { readonly memoryBytes: number; readonly untilMs: number } | undefined;

  constructor(targets: ReadonlyMap<RevisionId, ScaleTarget>, budget: HostBudget, load: () => readonly LoadSnapshot[]) {
    this.#targets = targets;
    this.#budget = budget;
    this.#load = load;
  }

  /** What a target gets of its wish: what is free, else, where it `mayCut`, one instance others give up for it. */
  grant(target: ScaleTarget, wanted: number, mayCut: boolean, nowMs: number): BudgetDecision {
    const { revision, settings } = target;
    const { memoryBytes } = settings;
    const asking = { revision, memoryBytes, wanted, held: target.desired };
    const roomy = decideFreeGrant(this.#usedBeside(target), asking, this.#budget);
    if (roomy.exhausted === undefined || roomy.granted > 0 || !mayCut || this.#isHopeless(memoryBytes, nowMs)) {
      return roomy;
    }
    // Who was idle longest matters only now; a burst of wakes must not pay for it each time.
    const loads = new Map(this.#load().map((load) => [load.revision, load]));
    const others = [...this.#targets.values()].filter((each) => each !== target);
    const shares = others.map((each) => each.share(loads.get(each.revision), nowMs));
    const decision = decideEviction(shares, memoryBytes, this.#budget);
    if (decision.granted === 0) this.#hopeless = { memoryBytes, untilMs: nowMs + hopelessMs };
    return decision;
  }

  /** An instance changed: there may be somebody to cut now. */
  changed(): void {
    this.#hopeless = undefined;
  }

  #isHopeless(memoryBytes: number, nowMs: number): boolean {
    return this.#hopeless !== undefined && memoryBytes >= this.#hopeless.memoryBytes && nowMs < this.#hopeless.untilMs;
  }

  #usedBeside(target: ScaleTarget): BudgetUse {
    let instances = 0;
    let memoryBytes = 0;
    for (const each of this.#targets.values()) {
      if (each === target) continue;
      instances += each.desired;
      memoryBytes += each.desired * each.settings.memoryBytes;
    }
    return { instances, memoryBytes };
  }
}

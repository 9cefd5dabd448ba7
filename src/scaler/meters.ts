import { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';
import type { ScalingSettings } from '../model/scaling.ts';

/** Where the load of a function is read that is not scaled by its calls; each rejects with the reason it does not know. */
export interface Meters {
  /** Thousandths of a core that all instances of a revision use together. */
  cpu(revision: RevisionId): Promise<number>;
  /** Stored calls of the revision's function that wait. */
  queue(revision: RevisionId): Promise<number>;
  /** What a query answers; its `$function_name` stands for NAME.NAMESPACE. */
  custom(revision: RevisionId, query: string): Promise<number>;
}

/** OpenFaaS's Prometheus evaluates its rules this often. */
const queryEveryMs = 15_000;
/** A reading older than this is none. */
const staleMs = 45_000;

/** The newest reading of one revision's meter. */
export class MeterReader {
  /** Why the last reading failed; undefined: it did not. */
  failure: string | undefined;
  readonly #read: () => Promise<number>;
  readonly #everyMs: number;
  #value: number | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(read: () => Promise<number>, everyMs: number) {
    this.#read = read;
    this.#everyMs = everyMs;
  }

  /** Asks unless an answer is awaited, or the last question is too recent. Never throws. */
  refresh(nowMs: number, now: () => number): void {
    if (this.#asking || nowMs - this.#askedAtMs < this.#everyMs) return;
    this.#asking = true;
    this.#askedAtMs = nowMs;
    this.#read()
      .then(
        (value) => {
          this.#value = value;
          this.#readAtMs = now();
          this.failure = undefined;
        },
        (reason: unknown) => {
          this.failure = TinderboxError.from(reason).message;
        },
      )
      .finally(() => {
        this.#asking = false;
      });
  }

  /** Undefined when nothing was read lately. */
  value(nowMs: number): number | undefined {
    return nowMs - this.#readAtMs > staleMs ? undefined : this.#value;
  }
}

/** The reader of a revision's metric; undefined for those the router counts. */
export function createMeterReader(
  revision: RevisionId,
  { metric, query }: ScalingSettings,
  meters: Meters,
): MeterReader | undefined {
  if (metric === 'cpu') return new MeterReader(() => meters.cpu(revision), 0);
  if (metric === 'queue') return new MeterReader(() => meters.queue(revision), 0);
  if (metric === 'custom') return new MeterReader(() => meters.custom(revision, query ?? ''), queryEveryMs);
  return undefined;
}

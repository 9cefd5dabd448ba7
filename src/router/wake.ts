import { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';

interface WakeEvents {
  /** The platform made an instance, or is about to; it arrives as a change of its own. */
  woken(): void;
  /** It could not; the error is what every waiting caller gets. */
  failed(error: TinderboxError): void;
}

const retryAfterMs = 1000;

/** Wakes one revision, one attempt at a time however many callers wait. */
export class Waker {
  readonly #revision: RevisionId;
  readonly #wake: (revision: RevisionId) => Promise<void>;
  readonly #events: WakeEvents;
  #underWay = false;

  constructor(revision: RevisionId, wake: (revision: RevisionId) => Promise<void>, events: WakeEvents) {
    this.#revision = revision;
    this.#wake = wake;
    this.#events = events;
  }

  get underWay(): boolean {
    return this.#underWay;
  }

  /** Starts an attempt unless one is under way. */
  start(): void {
    if (this.#underWay) return;
    this.#underWay = true;
    this.#attempt().then(
      () => {
        this.#underWay = false;
        this.#events.woken();
      },
      (reason: unknown) => {
        this.#underWay = false;
        this.#events.failed(refusalFrom(this.#revision, reason));
      },
    );
  }

  async #attempt(): Promise<void> {
    await this.#wake(this.#revision);
  }
}

/** Callers always learn that it is the start that failed, and when to come back. */
function refusalFrom(revision: RevisionId, reason: unknown): TinderboxError {
  const error = TinderboxError.from(reason);
  const details = { retryAfterMs: error.retryAfterMs ?? retryAfterMs, cause: error };
  if (error.code === 'host-full' || error.code === 'cannot-start') {
    return new TinderboxError(error.code, error.message, details);
  }
  return new TinderboxError('cannot-start', `${revision} cannot start: ${error.message}`, details);
}

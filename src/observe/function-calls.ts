import type { InvocationEnd } from './channels.ts';
import { CallHistogram } from './call-histogram.ts';

/** What is counted of one function, in plain numbers: a call costs no label hashing and no allocation. */
export class FunctionCalls {
  started = 0;
  inFlight = 0;
  ended = 0;
  /** Time between arrival and a slot. */
  readonly queued = new CallHistogram();
  /** By status. */
  readonly byCode = new Map<number, { count: number; readonly seconds: CallHistogram }>();

  start(): void {
    this.started += 1;
    this.inFlight += 1;
  }

  end({ id, status, durationMs, queuedMs }: InvocationEnd): void {
    this.ended += 1;
    // A call may be older than these counts, when its function was removed and made again meanwhile.
    if (this.inFlight > 0) this.inFlight -= 1;
    const code = this.#code(status);
    code.count += 1;
    code.seconds.observe(durationMs / 1000, id);
    this.queued.observe(queuedMs / 1000);
  }

  #code(status: number): { count: number; readonly seconds: CallHistogram } {
    const known = this.byCode.get(status);
    if (known !== undefined) return known;
    const made = { count: 0, seconds: new CallHistogram() };
    this.byCode.set(status, made);
    return made;
  }
}

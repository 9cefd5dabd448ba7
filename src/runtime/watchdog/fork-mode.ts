import type { Writable } from 'node:stream';
import type { RequestHead } from '../../frame/head-text.ts';
import type { Call, Caller, Mode } from './call.ts';
import { ForkCall } from './fork-call.ts';
import type { ForkPlan } from './fork-plan.ts';
import type { OutputLines } from './output-lines.ts';

export interface ForkModeOptions {
  readonly plan: ForkPlan;
  readonly style: string;
  /** Takes what the process of a call says that is not part of its answer; what it writes goes to `errors`. */
  openLog(callId: string): OutputLines;
  readonly errors: Writable;
}

/** One process per call: modes `fork`, `classic`, `streaming` and `serializing`. */
export class ForkMode implements Mode {
  readonly style: string;
  readonly #options: ForkModeOptions;
  readonly #running = new Set<Call>();

  constructor(options: ForkModeOptions) {
    this.#options = options;
    this.style = options.style;
    // Every running call may wait for it to take more.
    options.errors.setMaxListeners(0);
  }

  open(head: RequestHead, hasBody: boolean, caller: Caller, onOver: () => void): Call {
    const { plan, errors } = this.#options;
    const log = this.#options.openLog(head.callId);
    const call = new ForkCall({
      plan,
      head,
      caller,
      log,
      errors,
      onOver: () => {
        this.#running.delete(call);
        onOver();
      },
    });
    this.#running.add(call);
    call.start(hasBody);
    return call;
  }

  close(): Promise<void> {
    for (const call of this.#running) call.stopped();
    return Promise.resolve();
  }
}

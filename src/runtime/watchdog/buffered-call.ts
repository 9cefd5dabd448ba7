import type { RequestHead } from '../../frame/head-text.ts';
import type { Call, Caller } from './call.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** The largest body that is read whole; a larger one is refused. */
const longestBody = 64 * 1024 * 1024;

export interface BufferedCallParts {
  readonly head: RequestHead;
  readonly hasBody: boolean;
  readonly caller: Caller;
  readonly onOver: () => void;
  /** The program takes calls. */
  readonly ready: Promise<UpstreamPool>;
  /** Whether the body has to be here, so that its length can be told. */
  readonly whole: boolean;
  begin(pool: UpstreamPool, head: RequestHead): Call;
}

/** A call that waits: for the program to be up, or for the whole of its body. */
export class BufferedCall implements Call {
  readonly #parts: BufferedCallParts;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isWhole: boolean;
  #pool: UpstreamPool | undefined;
  #call: Call | undefined;
  #over = false;

  constructor(parts: BufferedCallParts) {
    this.#parts = parts;
    this.#isWhole = !parts.hasBody;
    parts.ready.then(
      (pool) => {
        this.#pool = pool;
        this.#tryBegin();
      },
      () => this.#refuse(500, 'the program could not be started: see the log\n'),
    );
  }

  data(bytes: Buffer, end: boolean): void {
    if (this.#call !== undefined) return this.#call.data(bytes, end);
    if (this.#over) return this.#parts.caller.consumed(bytes.length);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    this.#isWhole ||= end;
    // Otherwise the window of the caller bounds what waits here.
    if (this.#parts.whole) {
      this.#parts.caller.consumed(bytes.length);
      if (this.#heldBytes > longestBody) {
        return this.#refuse(413, `the body has more than ${longestBody} bytes, which buffer_http would hold\n`);
      }
    }
    this.#tryBegin();
  }

  stopped(): void {
    if (this.#call !== undefined) return this.#call.stopped();
    if (this.#over) return;
    this.#parts.caller.fail('canceled', 'the call was ended');
    this.#finish();
  }

  #tryBegin(): void {
    const { head, hasBody, whole } = this.#parts;
    if (this.#over || this.#call !== undefined || this.#pool === undefined || (whole && !this.#isWhole)) return;
    const contentLength = whole && hasBody ? this.#heldBytes : head.contentLength;
    const held = this.#held;
    this.#held = [];
    const call = this.#parts.begin(this.#pool, { ...head, contentLength });
    this.#call = call;
    if (!hasBody) return;
    for (const [at, bytes] of held.entries()) call.data(bytes, this.#isWhole && at === held.length - 1);
  }

  #refuse(status: number, text: string): void {
    if (this.#over || this.#call !== undefined) return;
    const { caller, head } = this.#parts;
    const body = Buffer.from(text);
    const isBodyless = head.method === 'HEAD';
    if (caller.head(status, body.length, ['Content-Type', 'text/plain; charset=utf-8'], isBodyless) && !isBodyless) {
      caller.data(body, true);
    }
    this.#finish();
  }

  #finish(): void {
    this.#over = true;
    this.#held = [];
    this.#parts.onOver();
  }
}

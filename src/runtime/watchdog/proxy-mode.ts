import type { RequestHead } from '../../frame/head-text.ts';
import { BufferedCall } from './buffered-call.ts';
import type { Call, Caller, Mode } from './call.ts';
import { ProxyCall } from './proxy-call.ts';
import { UpstreamPool } from './upstream-pool.ts';
import type { UpstreamProgram } from './upstream-program.ts';

export interface ProxyModeOptions {
  readonly program: UpstreamProgram;
  /** Whether a body of unknown length is read whole before it is sent on. */
  readonly buffersBody: boolean;
  readonly onError: (error: Error) => void;
}

/** Mode `http`: one program that serves HTTP, started once, and every request sent on to it. */
export class ProxyMode implements Mode {
  readonly style = 'http';
  readonly #options: ProxyModeOptions;
  /** Undefined until the program is up. */
  #pool: UpstreamPool | undefined;
  readonly #ready: Promise<UpstreamPool>;

  constructor(options: ProxyModeOptions) {
    this.#options = options;
    this.#ready = options.program.ready.then((address) => (this.#pool = new UpstreamPool(address)));
    this.#ready.catch(() => undefined);
  }

  open(head: RequestHead, hasBody: boolean, caller: Caller, onOver: () => void): Call {
    const { buffersBody, onError } = this.#options;
    const begin = (pool: UpstreamPool, known: RequestHead): Call => {
      const call = new ProxyCall({ pool, head: known, caller, onOver, onError }, hasBody);
      call.start();
      return call;
    };
    const waitsForBody = buffersBody && hasBody && head.contentLength === undefined;
    if (this.#pool !== undefined && !waitsForBody) return begin(this.#pool, head);
    return new BufferedCall({ head, hasBody, caller, onOver, ready: this.#ready, whole: waitsForBody, begin });
  }

  async close(): Promise<void> {
    this.#pool?.close();
    await this.#options.program.close();
  }
}

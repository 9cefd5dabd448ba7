import { formatReplyHead } from '../../frame/head-text.ts';
import { frameType } from '../../frame/messages.ts';
import type { FrameStream, StreamListener } from '../../frame/stream.ts';
import type { Call, Caller, CallFailure } from './call.ts';

const longestMessage = 1000;
const noBytes = Buffer.alloc(0);

/** A call that came as a stream of frames. */
export class FrameCaller implements Caller {
  readonly #stream: FrameStream;

  constructor(stream: FrameStream) {
    this.#stream = stream;
  }

  get onWritable(): (() => void) | undefined {
    return this.#stream.onWritable;
  }

  set onWritable(listener: (() => void) | undefined) {
    this.#stream.onWritable = listener;
  }

  head(status: number, length: number | undefined, fields: readonly string[], end: boolean): boolean {
    try {
      this.#stream.head(formatReplyHead(status, length, fields), end);
      return true;
    } catch (error) {
      this.fail('bad-reply', (error as Error).message);
      return false;
    }
  }

  data(bytes: Buffer, end: boolean): boolean {
    return this.#stream.data(bytes, end);
  }

  consumed(bytes: number): void {
    this.#stream.consumed(bytes);
  }

  fail(code: CallFailure, message: string): void {
    const text = message.replace(/[^\t\x20-\x7e]/g, ' ').slice(0, longestMessage);
    this.#stream.stop(frameType.error, `${code}\n${text}`);
  }
}

/** What arrives on the stream of a call. Trailers of a request end its body; a program has no place for them. */
export function streamListener(call: Call): StreamListener {
  return {
    head() {},
    data: (bytes, end) => call.data(bytes, end),
    trailers: () => call.data(noBytes, true),
    stopped: () => call.stopped(),
  };
}

import type { Readable } from 'node:stream';
import { formatTrailers } from '../../../frame/head-text.ts';
import type { FrameStream } from '../../../frame/stream.ts';
import type { RawHeaders } from '../../../model/invocation.ts';

const noBytes = Buffer.alloc(0);

/**
 * Sends a streamed request body as fast as the instance takes it. `onError` hears that the caller's side broke; after
 * `stop` nothing more is read and the rest of the body is let go.
 */
export class RequestBodySender {
  readonly #body: Readable;
  readonly #stream: FrameStream;
  readonly #onError: (error: Error | undefined) => void;
  readonly #trailers: (() => RawHeaders) | undefined;

  constructor(
    body: Readable,
    stream: FrameStream,
    trailers: (() => RawHeaders) | undefined,
    onError: (error: Error | undefined) => void,
  ) {
    this.#body = body;
    this.#stream = stream;
    this.#trailers = trailers;
    this.#onError = onError;
    if (body.destroyed && !body.readableEnded) queueMicrotask(this.#close);
    body.on('data', this.#data).on('end', this.#end).on('error', this.#fail).on('close', this.#close);
  }

  stop(): void {
    const body = this.#body;
    body.off('data', this.#data).off('end', this.#end).off('close', this.#close);
    // An error after the call is over concerns nobody, but must not go unheard either.
    if (!body.readableEnded) body.resume();
  }

  readonly #data = (bytes: Buffer): void => {
    if (this.#stream.data(bytes, false)) return;
    this.#body.pause();
    this.#stream.onWritable = () => this.#body.resume();
  };

  readonly #end = (): void => {
    const fields = this.#trailers?.() ?? [];
    this.#body.off('close', this.#close);
    try {
      if (fields.length > 0) this.#stream.trailers(formatTrailers(fields));
      else this.#stream.data(noBytes, true);
    } catch (error) {
      this.#onError(error as Error);
    }
  };

  readonly #fail = (error: Error): void => this.#onError(error);

  readonly #close = (): void => this.#onError(undefined);
}

import type { RequestHead } from '../../frame/head-text.ts';

/**
 * Why a call has no answer, or only part of one: `canceled` confirms that nobody waits, `bad-reply` is an answer that
 * cannot be sent, `failed` one that broke off.
 */
export type CallFailure = 'canceled' | 'bad-reply' | 'failed';

/** Who called, as a mode sees it, whatever brought the call here: a stream of frames or an HTTP request. */
export interface Caller {
  /** Called once, when all that waited was sent and more may follow. */
  onWritable: (() => void) | undefined;
  /** Sends the head of the answer. False: it cannot be one, and the call has failed with `bad-reply`. */
  head(status: number, length: number | undefined, fields: readonly string[], end: boolean): boolean;
  /** Sends bytes of the answer, which must not change afterwards. False: wait for `onWritable` before sending more. */
  data(bytes: Buffer, end: boolean): boolean;
  /** Says that bytes of the request were used up, so that as many more may come. */
  consumed(bytes: number): void;
  /** Ends the call without an answer, or breaks its answer off. */
  fail(code: CallFailure, message: string): void;
}

/** One call under way. */
export interface Call {
  /** Bytes of the request. */
  data(bytes: Buffer, end: boolean): void;
  /** Nobody waits any more. The call is over when what it started has ended. */
  stopped(): void;
}

/** A way of running a function: what is done with a request. */
export interface Mode {
  /** Its name, for the platform and for logs. */
  readonly style: string;
  /** Begins a call; `onOver` is called once, when nothing of it is left, also when it could not begin. */
  open(head: RequestHead, hasBody: boolean, caller: Caller, onOver: () => void): Call;
  /** Ends what is not part of any call. Calls that run are given up. */
  close(): Promise<void>;
}

/** Value of a field, whatever the case of its name; the first one. */
export function fieldOf(fields: readonly string[], lowerName: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return fields[at + 1];
  }
  return undefined;
}

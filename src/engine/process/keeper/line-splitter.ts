import { countNewlines } from './count-newlines.ts';

/** Longest line kept; what is longer becomes several lines. */
export const maxLineBytes = 64 * 1024;

const newline = 10;
const markerStart = 0x1e;
const markerEnd = 0x1f;
const callIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** Called for each line; `callId` where a first-party runtime marked it with `\x1e<id>\x1f`. */
export type OnLine = (text: Buffer, callId: string | undefined) => void;

/** Cuts the bytes of one stream into lines of bounded length; holds at most one unfinished line. */
export class LineSplitter {
  readonly #onLine: OnLine;
  #parts: Buffer[] = [];
  #length = 0;
  /** Call id of a line that was cut, for its length or its time; its continuation belongs to the same call. */
  #cutCallId: string | undefined;
  /** The line before was cut: a newline that follows at once is its own. */
  #cut = false;
  #discarding = false;

  constructor(onLine: OnLine) {
    this.#onLine = onLine;
  }

  /** Whether a line waits for its newline. */
  get unfinished(): boolean {
    return this.#length > 0;
  }

  /** Takes bytes until `goOn` says no; returns how many were taken. */
  push(chunk: Buffer, goOn: () => boolean): number {
    let at = 0;
    while (at < chunk.length) {
      if (!goOn()) return at;
      const found = chunk.indexOf(newline, at);
      const room = maxLineBytes - this.#length;
      const end = Math.min(found < 0 ? chunk.length : found, at + room);
      const ended = end === found;
      this.#take(chunk.subarray(at, end), ended, end - at === room);
      at = ended ? end + 1 : end;
    }
    return at;
  }

  /** Throws bytes away and returns how many lines that begins to lose; the rest of the last one is lost too. */
  discard(bytes: Buffer): number {
    if (bytes.length === 0) return 0;
    const ends = countNewlines(bytes);
    const countedBefore = this.#discarding && ends > 0 ? 1 : 0;
    const begun = bytes.at(-1) !== newline;
    const newlyBegun = begun && !(this.#discarding && ends === 0) ? 1 : 0;
    this.#forget();
    this.#discarding = begun;
    return ends - countedBefore + newlyBegun;
  }

  /** Hands out an unfinished line; what is still to come of it belongs to the same call. */
  flush(): void {
    if (this.#length > 0) this.#emit(false);
  }

  #take(part: Buffer, ended: boolean, full: boolean): void {
    if (this.#discarding) {
      if (ended) this.#forget();
      return;
    }
    const ownNewline = this.#cut && part.length === 0;
    this.#cut = false;
    if (ended && ownNewline) {
      this.#forget();
      return;
    }
    if (ended && this.#length === 0) {
      this.#emitText(part, true);
      return;
    }
    // A copy: a small rest must not keep the whole chunk alive.
    if (part.length > 0) this.#parts.push(Buffer.from(part));
    this.#length += part.length;
    if (ended || full) this.#emit(ended);
  }

  #emit(ended: boolean): void {
    const text = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts, this.#length);
    this.#dropParts();
    if (text !== undefined) this.#emitText(text, ended);
  }

  #emitText(text: Buffer, ended: boolean): void {
    const marked = splitMarker(text);
    const callId = marked.callId ?? this.#cutCallId;
    this.#cutCallId = ended ? undefined : callId;
    this.#cut = !ended;
    this.#onLine(marked.text, callId);
  }

  #forget(): void {
    this.#discarding = false;
    this.#cut = false;
    this.#cutCallId = undefined;
    this.#dropParts();
  }

  #dropParts(): void {
    this.#parts = [];
    this.#length = 0;
  }
}

function splitMarker(text: Buffer): { readonly text: Buffer; readonly callId: string | undefined } {
  if (text[0] !== markerStart) return { text, callId: undefined };
  const end = text.subarray(0, 66).indexOf(markerEnd);
  const callId = end < 0 ? '' : text.toString('latin1', 1, end);
  return callIdPattern.test(callId) ? { text: text.subarray(end + 1), callId } : { text, callId: undefined };
}

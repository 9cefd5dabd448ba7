/** A line longer than this is cut; the rest goes on in the next one. */
const longestLineBytes = 16 * 1024;
const lineEnd = 0x0a;

/** Turns what a program writes into whole lines, each marked as of one call: `\x1e<call id>\x1f<line>\n`. */
export class MarkedLines {
  readonly #mark: Buffer;
  readonly #write: (lines: Buffer) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(callId: string, write: (lines: Buffer) => void) {
    this.#mark = Buffer.from(`\x1e${callId}\x1f`);
    this.#write = write;
  }

  push(bytes: Buffer): void {
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = bytes.indexOf(lineEnd); at >= 0; at = bytes.indexOf(lineEnd, from)) {
      lines.push(this.#mark, ...this.#takeRest(), bytes.subarray(from, at + 1));
      from = at + 1;
    }
    for (; from < bytes.length; from += longestLineBytes) {
      const piece = bytes.subarray(from, from + longestLineBytes);
      if (this.#restBytes + piece.length > longestLineBytes) lines.push(...this.#wholeRest());
      this.#rest.push(Buffer.from(piece));
      this.#restBytes += piece.length;
    }
    if (lines.length > 0) this.#write(Buffer.concat(lines));
  }

  /** The program is done: what it left without a line end is a line too. */
  end(): void {
    if (this.#restBytes > 0) this.#write(Buffer.concat(this.#wholeRest()));
  }

  #wholeRest(): Buffer[] {
    return [this.#mark, ...this.#takeRest(), Buffer.from('\n')];
  }

  #takeRest(): Buffer[] {
    const rest = this.#rest;
    this.#rest = [];
    this.#restBytes = 0;
    return rest;
  }
}

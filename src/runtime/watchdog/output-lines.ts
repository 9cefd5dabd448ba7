const lineEnd = 0x0a;
const lineEndBytes = Buffer.from('\n');

export interface OutputLinesOptions {
  /** What each line begins with; asked once per line. */
  prefix(): Buffer;
  /** A longer line is cut, and the rest goes on in the next one; 0: no limit, what comes is written as it comes. */
  readonly longestBytes: number;
  write(lines: Buffer): void;
}

/** Turns what a program writes into whole lines with a prefix. */
export class OutputLines {
  readonly #options: OutputLinesOptions;
  /** Pieces to be written with the next line end, or, without a limit, after the piece that was written last. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isOpen = false;

  constructor(options: OutputLinesOptions) {
    this.#options = options;
  }

  push(bytes: Buffer): void {
    const out: Buffer[] = [];
    let from = 0;
    for (let at = bytes.indexOf(lineEnd); at >= 0; at = bytes.indexOf(lineEnd, from)) {
      this.#hold(bytes.subarray(from, at), out);
      this.#flush(out, true);
      from = at + 1;
    }
    this.#hold(bytes.subarray(from), out);
    if (this.#options.longestBytes === 0 && this.#heldBytes > 0) this.#flush(out, false);
    if (out.length > 0) this.#options.write(Buffer.concat(out));
    // A piece would keep the whole buffer it came in.
    this.#held = this.#held.map((piece) => Buffer.from(piece));
  }

  /** The program is done: what it left without a line end is a line too. */
  end(): void {
    const out: Buffer[] = [];
    if (this.#heldBytes > 0 || this.#isOpen) this.#flush(out, true);
    if (out.length > 0) this.#options.write(Buffer.concat(out));
  }

  #hold(bytes: Buffer, out: Buffer[]): void {
    const { longestBytes } = this.#options;
    let piece = bytes;
    while (longestBytes > 0 && this.#heldBytes + piece.length > longestBytes) {
      const room = longestBytes - this.#heldBytes;
      this.#held.push(piece.subarray(0, room));
      this.#flush(out, true);
      piece = piece.subarray(room);
    }
    if (piece.length === 0) return;
    this.#held.push(piece);
    this.#heldBytes += piece.length;
  }

  #flush(out: Buffer[], whole: boolean): void {
    if (!this.#isOpen) out.push(this.#options.prefix());
    out.push(...this.#held);
    if (whole) out.push(lineEndBytes);
    this.#isOpen = !whole;
    this.#held = [];
    this.#heldBytes = 0;
  }
}

import { LineSplitter } from './line-splitter.ts';
import { formatLineHead, type StreamCode } from './log-format.ts';
import type { LogFile } from './log-file.ts';
import { RateBudget } from './rate-budget.ts';

/** What a line costs besides its bytes: many short ones are as much work as a few long ones. */
const lineCost = 128;
const keptLines = 20;
const keptLineBytes = 500;
/** Lines of a warm process held back until it belongs to somebody. */
const heldBackLines = 100;
/** Share of the budget that must be back before lines are taken again. */
const resumeShare = 0.1;

interface Destination {
  readonly file: LogFile;
  readonly instance: string;
}

/**
 * What one program writes.
 *
 * 1. Its pipes are always read: a function never blocks on its own output.
 * 2. Beyond its budget, or with a slow disk, lines are dropped and counted; a line says how many.
 * 3. Memory is bounded: one unfinished line per stream, the last 20 lines, 100 held back before `assign`.
 */
export class ProgramOutput {
  readonly #splitters: Readonly<Record<'o' | 'e', LineSplitter>>;
  readonly #budget: RateBudget;
  readonly #resumeAt: number;
  readonly #last: string[] = [];
  #heldBack: ((to: Destination) => void)[] = [];
  #to: Destination | undefined;
  #dropped = 0;
  #closedTap = false;
  #stampMs = 0;
  #stamp = '';

  constructor(bytesPerSecond: number) {
    this.#budget = new RateBudget(bytesPerSecond, performance.now());
    this.#resumeAt = bytesPerSecond * resumeShare;
    const splitter = (stream: StreamCode): LineSplitter =>
      new LineSplitter((text, callId) => this.#line(stream, text, callId));
    this.#splitters = { o: splitter('o'), e: splitter('e') };
  }

  /** The last lines written, cut to 500 bytes each. */
  get lastLines(): readonly string[] {
    return [...this.#last];
  }

  get destination(): LogFile | undefined {
    return this.#to?.file;
  }

  assign(file: LogFile, instance: string): void {
    const to = { file, instance };
    this.#to = to;
    for (const write of this.#heldBack) write(to);
    this.#heldBack = [];
  }

  accept(stream: 'o' | 'e', chunk: Buffer): void {
    const splitter = this.#splitters[stream];
    if (this.#closedTap && this.#budget.left(performance.now()) >= this.#resumeAt) this.#reopen();
    const taken = this.#closedTap ? 0 : splitter.push(chunk, () => !this.#closedTap);
    if (taken < chunk.length) this.#dropped += splitter.discard(chunk.subarray(taken));
  }

  /** Hands out lines that wait for their newline, and the count of dropped ones; called now and then and at the end. */
  flush(): void {
    this.#splitters.o.flush();
    this.#splitters.e.flush();
    this.#reopen();
  }

  /** A line of the platform itself. */
  system(text: string): void {
    this.#write('s', Buffer.from(text), undefined);
  }

  #reopen(): void {
    this.#closedTap = false;
    if (this.#dropped === 0) return;
    const count = this.#dropped;
    this.#dropped = 0;
    this.system(`${count} lines dropped: written faster than they can be kept`);
  }

  #line(stream: StreamCode, text: Buffer, callId: string | undefined): void {
    this.#last.push(text.toString('utf8', 0, keptLineBytes));
    if (this.#last.length > keptLines) this.#last.shift();
    this.#write(stream, text, callId);
  }

  #write(stream: StreamCode, text: Buffer, callId: string | undefined): void {
    const timestamp = this.#timestamp();
    const write = (to: Destination): void => {
      const head = formatLineHead(timestamp, to.instance, stream, callId);
      const line = Buffer.allocUnsafe(head.length + text.length + 1);
      line.write(head, 0, 'latin1');
      text.copy(line, head.length);
      line[line.length - 1] = 10;
      this.#spend(line.length + lineCost);
      if (!to.file.append(line)) this.#dropped += 1;
    };
    if (this.#to !== undefined) write(this.#to);
    else if (this.#heldBack.length < heldBackLines) this.#heldBack.push(write);
    else this.#dropped += 1;
  }

  /** Formatted once per millisecond. */
  #timestamp(): string {
    const nowMs = Date.now();
    if (nowMs !== this.#stampMs) {
      this.#stampMs = nowMs;
      this.#stamp = new Date(nowMs).toISOString();
    }
    return this.#stamp;
  }

  #spend(bytes: number): void {
    this.#budget.spend(bytes);
    if (this.#budget.left(performance.now()) <= 0) this.#closedTap = true;
  }
}

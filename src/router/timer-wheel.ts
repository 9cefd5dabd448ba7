/**
 * Deadlines of all calls on one interval.
 *
 * Owns: one unref'd interval while entries exist (and a second of idleness after). Does not own what happens at expiry.
 * 1. Adding and removing are O(1) and allocate nothing: entries are the links. Putting off touches the entry alone: it
 *    stays in its slot, and is moved when that comes round.
 * 2. An entry expires once, never before its due time and at most two ticks after it.
 * 3. An entry removed, or added again, forgets its earlier due time.
 */
const slotCount = 512;
const idleTicksBeforeStop = 40;

/** Something with a deadline; extend it to be put on a {@link TimerWheel}. */
export abstract class TimerEntry {
  nextEntry: TimerEntry | undefined = undefined;
  previousEntry: TimerEntry | undefined = undefined;
  /** When it expires; -1: it is not on a wheel. */
  dueTick = -1;
  /** The tick whose slot it is in, never after `dueTick`. */
  slotTick = -1;

  /** Called once when due; may add itself again. */
  abstract expired(): void;
}

class Sentinel extends TimerEntry {
  override expired(): void {}
}

export class TimerWheel {
  readonly #now: () => number;
  readonly #tickMs: number;
  readonly #slots: readonly Sentinel[] = Array.from({ length: slotCount }, () => new Sentinel());
  #tick = 0;
  #count = 0;
  #idleTicks = 0;
  #interval: NodeJS.Timeout | undefined;

  /** `now` in milliseconds, monotonic; `tickMs` is how coarse deadlines are. */
  constructor(now: () => number = () => performance.now(), tickMs = 25) {
    this.#now = now;
    this.#tickMs = tickMs;
  }

  /** Entries on the wheel. */
  get size(): number {
    return this.#count;
  }

  /** Puts an entry on the wheel, or moves it; `dueMs` is a time of this wheel's clock, not a delay. */
  add(entry: TimerEntry, dueMs: number): void {
    if (this.#interval === undefined) this.#start();
    const dueTick = Math.max(Math.ceil(dueMs / this.#tickMs), this.#tick + 1);
    if (entry.dueTick >= 0) {
      entry.dueTick = dueTick;
      if (dueTick >= entry.slotTick) return;
      this.#unlink(entry);
    }
    this.#link(entry, dueTick);
  }

  /** Takes an entry off; fine when it is not on. */
  remove(entry: TimerEntry): void {
    if (entry.dueTick >= 0) this.#unlink(entry);
  }

  /** Expires what is due. The interval calls it; tests with a clock of their own may too. */
  advance(): void {
    const target = Math.floor(this.#now() / this.#tickMs);
    const steps = Math.min(target - this.#tick, slotCount);
    this.#tick = Math.max(target, this.#tick);
    for (let step = steps - 1; step >= 0; step -= 1) this.#expireSlot((target - step) % slotCount);
    this.#idleTicks = this.#count === 0 ? this.#idleTicks + 1 : 0;
    if (this.#idleTicks > idleTicksBeforeStop) this.close();
  }

  /** Stops the interval; what is on the wheel stays until something is added again. */
  close(): void {
    clearInterval(this.#interval);
    this.#interval = undefined;
  }

  #start(): void {
    if (this.#count === 0) this.#tick = Math.floor(this.#now() / this.#tickMs);
    this.#idleTicks = 0;
    this.#interval = setInterval(() => this.advance(), this.#tickMs).unref();
  }

  #expireSlot(index: number): void {
    const due: TimerEntry[] = [];
    for (let entry = this.#slots[index]?.nextEntry; entry !== undefined; entry = entry.nextEntry) {
      if (entry.slotTick <= this.#tick) due.push(entry);
    }
    for (const entry of due) {
      const { dueTick } = entry;
      // One that expired before it in this very slot may have removed or moved it.
      if (dueTick < 0 || entry.slotTick > this.#tick) continue;
      this.#unlink(entry);
      if (dueTick > this.#tick) this.#link(entry, dueTick);
      else entry.expired();
    }
  }

  #link(entry: TimerEntry, dueTick: number): void {
    entry.dueTick = dueTick;
    entry.slotTick = dueTick;
    const head = this.#slots[dueTick % slotCount] as Sentinel;
    entry.previousEntry = head;
    entry.nextEntry = head.nextEntry;
    if (head.nextEntry !== undefined) head.nextEntry.previousEntry = entry;
    head.nextEntry = entry;
    this.#count += 1;
  }

  #unlink(entry: TimerEntry): void {
    if (entry.previousEntry !== undefined) entry.previousEntry.nextEntry = entry.nextEntry;
    if (entry.nextEntry !== undefined) entry.nextEntry.previousEntry = entry.previousEntry;
    entry.previousEntry = undefined;
    entry.nextEntry = undefined;
    entry.dueTick = -1;
    this.#count -= 1;
  }
}

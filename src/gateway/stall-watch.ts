import { Roster, type RosterItem } from '../model/roster.ts';

/** A transfer between a client and the gateway that must make progress. */
export interface Transfer extends RosterItem {
  /** Set by the transfer whenever bytes moved, or while it is not the client's turn; cleared by the watch. */
  moved: boolean;
  /** Looks in a row at which nothing had moved. */
  idleLooks: number;
  /** Nothing moved for the whole time limit. */
  stalled(): void;
}

/** How often transfers are looked at within their time limit. */
const looksPerLimit = 4;

/**
 * Ends transfers without progress: one interval for all of them, running while there are any. A limit is kept within a
 * quarter of itself.
 */
export class StallWatch {
  readonly #transfers = new Roster<Transfer>();
  readonly #lookMs: number;
  #interval: NodeJS.Timeout | undefined;

  constructor(limitMs: number) {
    this.#lookMs = Math.max(5, limitMs / looksPerLimit);
  }

  add(transfer: Transfer): void {
    this.#transfers.add(transfer);
    this.#interval ??= setInterval(() => this.#look(), this.#lookMs).unref();
  }

  delete(transfer: Transfer): void {
    this.#transfers.delete(transfer);
  }

  close(): void {
    clearInterval(this.#interval);
    this.#interval = undefined;
    this.#transfers.clear();
  }

  #look(): void {
    this.#transfers.each((transfer) => {
      transfer.idleLooks = transfer.moved ? 0 : transfer.idleLooks + 1;
      transfer.moved = false;
      if (transfer.idleLooks <= looksPerLimit) return;
      this.#transfers.delete(transfer);
      transfer.stalled();
    });
    if (this.#transfers.size > 0) return;
    clearInterval(this.#interval);
    this.#interval = undefined;
  }
}

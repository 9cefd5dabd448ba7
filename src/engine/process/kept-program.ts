import type { KeeperClient } from './keeper-client.ts';
import type { Ending, LogTarget } from './keeper/protocol.ts';

/** How a program ended as the platform knows it; `lost`: the keeper died and took the result with it. */
export interface ProgramEnd extends Ending {
  readonly lost: boolean;
}

/** The platform's end of one program that the keeper holds. Nothing here rejects when the keeper is gone: `ended` tells. */
export class KeptProgram {
  readonly id: string;
  readonly pid: number;
  /** Resolves when the program said on its status pipe that it listens. */
  readonly listening: Promise<void>;
  /** Resolves when its process is over, by itself or not, and always before `ended`, with whether the keeper went with it. */
  readonly exiting: Promise<Pick<ProgramEnd, 'lost'>>;
  readonly ended: Promise<ProgramEnd>;
  readonly #client: KeeperClient;
  readonly #resolveListening: () => void;
  readonly #resolveExiting: (how: Pick<ProgramEnd, 'lost'>) => void;
  readonly #resolveEnded: (end: ProgramEnd) => void;
  #over = false;

  constructor(id: string, pid: number, client: KeeperClient) {
    this.id = id;
    this.pid = pid;
    this.#client = client;
    const listening = Promise.withResolvers<void>();
    const exiting = Promise.withResolvers<Pick<ProgramEnd, 'lost'>>();
    const ended = Promise.withResolvers<ProgramEnd>();
    this.listening = listening.promise;
    this.exiting = exiting.promise;
    this.ended = ended.promise;
    this.#resolveListening = listening.resolve;
    this.#resolveExiting = exiting.resolve;
    this.#resolveEnded = ended.resolve;
  }

  get over(): boolean {
    return this.#over;
  }

  heardListening(): void {
    this.#resolveListening();
  }

  heardExiting(lost = false): void {
    this.#over = true;
    this.#resolveExiting({ lost });
  }

  heardEnd(end: ProgramEnd): void {
    this.heardExiting(end.lost);
    this.#resolveEnded(end);
  }

  stop(graceMs: number): void {
    this.#tell(this.#client.request({ op: 'stop', id: this.id, graceMs }));
  }

  kill(): void {
    this.#tell(this.#client.request({ op: 'kill', id: this.id }));
  }

  assign(log: LogTarget): void {
    this.#tell(this.#client.request({ op: 'assign', id: this.id, log }));
  }

  /** Leaves with the keeper what is needed to adopt the program after a restart. */
  note(note: string): void {
    this.#tell(this.#client.request({ op: 'note', id: this.id, note }));
  }

  async lastLines(): Promise<readonly string[]> {
    return await this.#client.request({ op: 'lines', id: this.id }).catch(() => []);
  }

  /** A request that fails because the keeper went is no news: `ended` is on its way. */
  #tell(request: Promise<unknown>): void {
    request.catch(() => undefined);
  }
}

import { type UpstreamAddress, UpstreamConnection } from './upstream-connection.ts';

/** A server may close what is idle; most wait five seconds or more. */
const idleMs = 1000;

/** Connections to the function's server, the last used first; none is kept idle for longer than a second or two. */
export class UpstreamPool {
  readonly #address: UpstreamAddress;
  readonly #idle: UpstreamConnection[] = [];
  #sweep: NodeJS.Timeout | undefined;

  constructor(address: UpstreamAddress) {
    this.#address = address;
  }

  /** One that is free, or a new one; `fresh`: certainly a new one. */
  take(fresh: boolean): UpstreamConnection {
    const limit = performance.now() - idleMs;
    for (let found = fresh ? undefined : this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      if (found.isOpen && found.idleSinceMs > limit) return found;
      found.destroy();
    }
    return new UpstreamConnection(this.#address);
  }

  give(connection: UpstreamConnection): void {
    connection.release(performance.now(), () => this.#forget(connection));
    this.#idle.push(connection);
    this.#sweep ??= setInterval(() => this.#drop(performance.now() - idleMs), idleMs).unref();
  }

  close(): void {
    this.#drop(Number.POSITIVE_INFINITY);
  }

  #forget(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** The longest idle stand first. */
  #drop(beforeMs: number): void {
    while (this.#idle[0] !== undefined && this.#idle[0].idleSinceMs <= beforeMs) this.#idle.shift()?.destroy();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { TinderboxError } from '../../model/errors.ts';

interface PortRange {
  readonly first: number;
  /** Belongs to the range. */
  readonly last: number;
}

const usual: PortRange = { first: 20_000, last: 32_767 };
/** Fewer than these are no range to choose from. */
const leastPorts = 1000;

/**
 * Ports for programs that serve HTTP. They lie below those the system takes for outgoing connections, so none of these
 * gets a port between its choice and its use; and they are given in turn, so that programs that start at the same time
 * get different ones. Somebody else may still be quicker: that is why the listener's owner is looked at later.
 */
export class PortChooser {
  readonly #range: PortRange;
  #next: number;

  constructor(range: PortRange = belowOutgoing()) {
    this.#range = range;
    this.#next = randomInt(range.first, range.last + 1);
  }

  /** A port nobody listens on now. Rejects with `unavailable` when there is none. */
  async choose(): Promise<number> {
    const { first, last } = this.#range;
    for (let tried = first; tried <= last; tried += 1) {
      const port = this.#next;
      this.#next = port === last ? first : port + 1;
      if (await isFree(port)) return port;
    }
    throw new TinderboxError('unavailable', `all ports from ${first} to ${last} are in use`);
  }
}

/** The usual range, cut off where the kernel's own begins (ip(7), ip_local_port_range). */
function belowOutgoing(): PortRange {
  try {
    const [lowest] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/);
    const last = Math.min(usual.last, Number(lowest) - 1);
    return last >= usual.first + leastPorts ? { first: usual.first, last } : usual;
  } catch {
    return usual;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

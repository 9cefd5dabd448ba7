import { type ListenerTables, type PortOwner, ownsPort, readListenerTables } from './listening-port.ts';

/**
 * Which instance a port was given to, and whether it still holds it. One that ended is forgotten at once, so that nobody
 * who takes its port is ever believed.
 */
export class PortRegistry {
  readonly #owners = new Map<string, PortOwner>();
  readonly #read: () => Promise<ListenerTables>;
  #reading: Promise<unknown> = Promise.resolve();
  #next: Promise<ListenerTables> | undefined;

  constructor(read: () => Promise<ListenerTables> = readListenerTables) {
    this.#read = read;
  }

  add(instanceId: string, owner: PortOwner): void {
    this.#owners.set(instanceId, owner);
  }

  remove(instanceId: string): void {
    this.#owners.delete(instanceId);
  }

  /**
   * Whether whoever accepted a connection before this was asked is the instance: a stranger's listener would still be
   * there, or the instance's not any more.
   */
  async owns(instanceId: string): Promise<boolean> {
    const tables = await this.#readFromNow();
    const owner = this.#owners.get(instanceId);
    return owner !== undefined && (await ownsPort(owner, tables));
  }

  /** A reading that has not begun yet: one at a time, shared by all who wait for it. */
  #readFromNow(): Promise<ListenerTables> {
    this.#next ??= this.#reading.then(() => {
      this.#next = undefined;
      const reading = this.#read();
      this.#reading = reading.catch(() => undefined);
      return reading;
    });
    return this.#next;
  }
}

import { TinderboxError } from '../model/errors.ts';
import { createKeyedSerial } from '../store/keyed-serial.ts';
import type { Store } from '../store/store.ts';
import type { Identities, IdentityKind } from './identities.ts';

/** Both ends belong to the range. */
export interface IdentityRange {
  readonly first: number;
  readonly last: number;
}

/** Hands out ids of the range, remembered in the store. Throws `config` when the range is none, or reaches below 1. */
export function createIdentities(store: Store, range: IdentityRange): Identities {
  const { first, last } = range;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first < 1 || last < first || last > 0x7fff_fffe) {
    throw new TinderboxError('config', `the range of user ids ${first}–${last} is not valid`);
  }
  return new StoredIdentities(store, range);
}

/**
 * Three kinds of entries: `identities/owners/KIND/OWNER` → id, `identities/ids/ID` → owner key, `identities/next` →
 * where to look next.
 *
 * 1. An id belongs to an owner exactly when the id's entry names that owner; it is made only where none is, so no id
 *    ever has two owners, whoever else assigns at the same time.
 * 2. The owner's entry is written first. It is a pointer that any later assign verifies and repairs, so a crash
 *    between the two writes leaves nothing wrong.
 * 3. An id whose owner does not point to it is a leftover of a crash, and free to take once the range was used up.
 * 4. Owners do not wait for each other's writes: those who ask at the same time move the place in the round once.
 */
class StoredIdentities implements Identities {
  readonly #store: Store;
  readonly #range: IdentityRange;
  /** One task at a time for one owner. */
  readonly #inTurn = createKeyedSerial();
  #wishes: PromiseWithResolvers<number>[] = [];
  #reserving = false;

  constructor(store: Store, range: IdentityRange) {
    this.#store = store;
    this.#range = range;
  }

  assign(kind: IdentityKind, owner: string): Promise<number> {
    const key = ownerKey(kind, owner);
    return this.#inTurn(key, async () => {
      for (;;) {
        const pointer = await this.#store.get(key);
        if (pointer !== undefined && (await this.#claim(pointer.value as number, key))) return pointer.value as number;
        const id = await this.#nextFree();
        await this.#tryPut(key, id, pointer?.version ?? 0);
      }
    });
  }

  release(kind: IdentityKind, owner: string): Promise<void> {
    const key = ownerKey(kind, owner);
    return this.#inTurn(key, async () => {
      const pointer = await this.#store.get(key);
      if (pointer === undefined) return;
      const claim = await this.#store.get(idKey(pointer.value as number));
      await this.#store.delete(key);
      if (claim?.value === key) await this.#tryDelete(claim.key, claim.version);
    });
  }

  /** Whether the id is this owner's, after making it so where it is nobody's. */
  async #claim(id: number, owner: string): Promise<boolean> {
    const known = await this.#store.get(idKey(id));
    if (known !== undefined) return known.value === owner;
    await this.#tryPut(idKey(id), owner, 0);
    // Who lost may have lost to the same owner, assigned by another platform.
    return (await this.#store.get(idKey(id)))?.value === owner;
  }

  /** An id that looks free, and that nobody else here gets in this round. */
  #nextFree(): Promise<number> {
    const wish = Promise.withResolvers<number>();
    this.#wishes.push(wish);
    if (!this.#reserving) void this.#reserveForAll();
    return wish.promise;
  }

  async #reserveForAll(): Promise<void> {
    this.#reserving = true;
    while (this.#wishes.length > 0) {
      const wishes = this.#wishes;
      this.#wishes = [];
      try {
        const ids = await this.#reserve(wishes.length);
        for (const [index, wish] of wishes.entries()) {
          const id = ids[index];
          if (id === undefined) this.#wishes.push(wish);
          else wish.resolve(id);
        }
      } catch (error) {
        for (const wish of wishes) wish.reject(error);
      }
    }
    this.#reserving = false;
  }

  /** Up to `count` ids of the round that look free, at least one, with the place in the round moved behind them. */
  async #reserve(count: number): Promise<readonly number[]> {
    const { first, last } = this.#range;
    for (;;) {
      const cursor = await this.#store.get('identities/next');
      const wanted = Number(cursor?.value ?? first);
      const start = wanted >= first && wanted <= last ? wanted : first;
      const free = (await this.#freeRun(start, count)) ?? (await this.#searchFrom(start, count));
      if (await this.#tryPut('identities/next', (free.at(-1) ?? start) + 1, cursor?.version ?? 0)) return free;
    }
  }

  /** The ids from `start` on, when all of them are nobody's: the usual case until the range was used once. */
  async #freeRun(start: number, count: number): Promise<readonly number[] | undefined> {
    if (start + count - 1 > this.#range.last) return undefined;
    const ids = Array.from({ length: count }, (_, index) => start + index);
    const claims = await Promise.all(ids.map((id) => this.#store.get(idKey(id))));
    return claims.every((claim) => claim === undefined) ? ids : undefined;
  }

  async #searchFrom(start: number, most: number): Promise<readonly number[]> {
    const { first, last } = this.#range;
    const taken = await this.#taken();
    const count = last - first + 1;
    const free: number[] = [];
    for (let step = 0; step < count && free.length < most; step++) {
      const id = first + ((start - first + step) % count);
      if (!taken.has(id)) free.push(id);
    }
    if (free.length > 0) return free;
    throw new TinderboxError('unavailable', `all ${count} user ids from ${first} to ${last} are in use`, {
      hint: 'remove functions, or widen the range of user ids',
    });
  }

  /** Ids with an owner; claims left by a crash are cleared away on the way. */
  async #taken(): Promise<Set<number>> {
    // In this order: an owner's entry is older than its claim, so none of a claim seen here can be missed after it.
    const claims = await this.#store.list('identities/ids/');
    const owners = new Map((await this.#store.list('identities/owners/')).map(({ key, value }) => [key, value]));
    const taken = new Set<number>();
    for (const { key, value, version } of claims) {
      const id = Number(key.slice('identities/ids/'.length));
      const isLeftover = owners.get(value as string) !== id;
      if (!isLeftover || !(await this.#tryDelete(key, version))) taken.add(id);
    }
    return taken;
  }

  /** False when somebody else wrote in between. */
  async #tryPut(key: string, value: unknown, expected: number): Promise<boolean> {
    return unlessConflict(this.#store.put(key, value, expected).then(() => true));
  }

  async #tryDelete(key: string, expected: number): Promise<boolean> {
    return unlessConflict(this.#store.delete(key, expected));
  }
}

async function unlessConflict(write: Promise<boolean>): Promise<boolean> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof TinderboxError && error.code === 'conflict') return false;
    throw error;
  }
}

function ownerKey(kind: IdentityKind, owner: string): string {
  return `identities/owners/${kind}/${owner}`;
}

function idKey(id: number): string {
  return `identities/ids/${id}`;
}

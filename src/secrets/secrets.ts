import { TinderboxError } from '../model/errors.ts';
import { assertName, assertSecretName } from '../model/names.ts';
import { createSerial } from '../store/serial.ts';
import type { Entry, Store } from '../store/store.ts';
import { readKeyFile, writeKeyFile } from './key-file.ts';
import { createKey, type KeyRing, type Sealed, seal, unseal } from './key-ring.ts';

/** Largest value of a secret; a file of Kubernetes' size limit fits. */
const maxValueBytes = 1024 * 1024;

export interface SecretValue {
  readonly value: Buffer;
  /** Grows with every put of this name, also when it was deleted in between. */
  readonly version: number;
}

export interface PutMode {
  /** `create` rejects with `conflict` when it exists, `update` with `not-found` when not, `any` never; default `any`. */
  readonly mode?: 'create' | 'update' | 'any';
}

/** Secrets of functions, encrypted at rest. Names are checked here; values are bytes, at most 1 MiB (`too-large`). */
export interface Secrets {
  /** Resolves with the new version. */
  put(namespace: string, name: string, value: Buffer, options?: PutMode): Promise<number>;
  get(namespace: string, name: string): Promise<SecretValue | undefined>;
  /** Names in order; never values. */
  list(namespace: string): Promise<readonly string[]>;
  /** Resolves with whether there was one. */
  delete(namespace: string, name: string): Promise<boolean>;
  /** Makes a new key, encrypts all secrets with it and forgets the older keys; resolves with the new key's id. */
  rotate(): Promise<string>;
}

export interface SecretsOptions {
  readonly store: Store;
  /** Made (0600) when neither it nor a secret exists. */
  readonly keyFile: string;
  readonly now?: () => number;
}

/** What the store keeps under `secrets/NAMESPACE/NAME`. */
interface SecretRecord extends Sealed {
  readonly version: number;
}

/**
 * Opens the secrets. Rejects with `config` when the key file is missing while secrets exist (a new key would make
 * them unreadable for good), when it lacks a key they need, or when others may read it.
 */
export async function createSecrets({ store, keyFile, now = Date.now }: SecretsOptions): Promise<Secrets> {
  const entries = await store.list('secrets/');
  const found = await readKeyFile(keyFile);
  if (found === undefined && entries.length > 0) {
    throw new TinderboxError('config', `the key file ${keyFile} is missing, but ${entries.length} secrets need it`, {
      hint: 'restore it from its copy, or set the path of the key file to where it is',
    });
  }
  const ring: KeyRing = found ?? [createKey()];
  if (found === undefined) await writeKeyFile(keyFile, ring);
  assertReadable(entries, ring, keyFile);
  return new StoredSecrets(store, keyFile, now, ring);
}

/** Decrypts everything once: a wrong key or a changed entry shows at the start, not at a deploy. */
function assertReadable(entries: readonly Entry[], ring: KeyRing, keyFile: string): void {
  for (const entry of entries) {
    const record = entry.value as SecretRecord;
    if (!ring.some(({ id }) => id === record.keyId)) {
      throw new TinderboxError(
        'config',
        `the key file ${keyFile} is not the one ${entry.key} was encrypted with: it lacks key ${record.keyId}`,
        { hint: 'restore the right key file from its copy' },
      );
    }
    unseal(ring, contextOf(entry.key, record.version), record);
  }
}

/**
 * 1. A value never reaches the store unencrypted, and is bound to its namespace, name and version.
 * 2. Whatever key encrypted an entry in the store is in the key file on disk: a key is written before its first use
 *    and dropped after the last entry that used it was written anew. So a crash at any point loses nothing.
 * 3. Writes and rotation run one after another: none encrypts with a key that is being dropped.
 */
class StoredSecrets implements Secrets {
  readonly #store: Store;
  readonly #keyFile: string;
  readonly #now: () => number;
  readonly #inTurn = createSerial();
  #ring: KeyRing;

  constructor(store: Store, keyFile: string, now: () => number, ring: KeyRing) {
    this.#store = store;
    this.#keyFile = keyFile;
    this.#now = now;
    this.#ring = ring;
  }

  async put(namespace: string, name: string, value: Buffer, { mode = 'any' }: PutMode = {}): Promise<number> {
    const key = keyOf(namespace, name);
    if (value.length > maxValueBytes) {
      throw new TinderboxError(
        'too-large',
        `secret "${name}" has ${value.length} bytes, the limit is ${maxValueBytes}`,
      );
    }
    return this.#inTurn(async () => {
      const old = await this.#store.get(key);
      assertMode(mode, namespace, name, old !== undefined);
      // The clock keeps versions growing over a deletion, of which nothing is remembered.
      const version = Math.max(this.#now(), old === undefined ? 1 : (old.value as SecretRecord).version + 1);
      await this.#write(key, version, value, old?.version ?? 0);
      return version;
    });
  }

  async get(namespace: string, name: string): Promise<SecretValue | undefined> {
    const key = keyOf(namespace, name);
    const entry = await this.#store.get(key);
    if (entry === undefined) return undefined;
    const record = entry.value as SecretRecord;
    return { value: unseal(this.#ring, contextOf(key, record.version), record), version: record.version };
  }

  async list(namespace: string): Promise<readonly string[]> {
    assertName('namespace', namespace);
    const prefix = `secrets/${namespace}/`;
    return (await this.#store.list(prefix)).map(({ key }) => key.slice(prefix.length));
  }

  async delete(namespace: string, name: string): Promise<boolean> {
    const key = keyOf(namespace, name);
    return this.#inTurn(() => this.#store.delete(key));
  }

  async rotate(): Promise<string> {
    return this.#inTurn(async () => {
      const key = createKey();
      const grown: KeyRing = [key, ...this.#ring];
      await writeKeyFile(this.#keyFile, grown);
      this.#ring = grown;
      for (const entry of await this.#store.list('secrets/')) {
        const record = entry.value as SecretRecord;
        const value = unseal(grown, contextOf(entry.key, record.version), record);
        await this.#write(entry.key, record.version, value, entry.version);
      }
      await writeKeyFile(this.#keyFile, [key]);
      this.#ring = [key];
      return key.id;
    });
  }

  async #write(key: string, version: number, value: Buffer, expected: number): Promise<void> {
    const record: SecretRecord = { version, ...seal(this.#ring, contextOf(key, version), value) };
    await this.#store.put(key, record, expected);
  }
}

function assertMode(mode: PutMode['mode'], namespace: string, name: string, exists: boolean): void {
  if (mode === 'create' && exists) {
    throw new TinderboxError('conflict', `secret "${name}" exists already in namespace "${namespace}"`);
  }
  if (mode === 'update' && !exists) {
    throw new TinderboxError('not-found', `secret "${name}" does not exist in namespace "${namespace}"`);
  }
}

function keyOf(namespace: string, name: string): string {
  assertName('namespace', namespace);
  assertSecretName(name);
  return `secrets/${namespace}/${name}`;
}

function contextOf(key: string, version: number): string {
  return `${key}/${version}`;
}

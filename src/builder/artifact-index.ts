import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identities } from '../identity/identities.ts';
import type { Artifact, Manifest } from '../model/artifact.ts';
import { removeTree } from '../sandbox/remove-tree.ts';
import type { Store } from '../store/store.ts';

/** Under `images/<image>`. */
interface ImageRecord {
  readonly digest: string;
  readonly builtAt: string;
}

/** Under `artifacts/<hex>`; the directory follows from the run folder of the day. */
interface ArtifactRecord {
  readonly gid?: number;
  readonly manifest: Manifest;
  readonly bytes: number;
  readonly builtAt: string;
}

export interface NamedImage extends ImageRecord {
  readonly image: string;
}

export interface ArtifactIndexOptions {
  readonly runDir: string;
  readonly store: Store;
  readonly identities: Identities;
}

const hexName = /^[0-9a-f]{64}$/;

/**
 * Which artifacts there are and what names they go by. A record is written after its directory is complete on disk; a
 * record whose directory is gone counts as absent.
 */
export class ArtifactIndex {
  readonly #options: ArtifactIndexOptions;

  constructor(options: ArtifactIndexOptions) {
    this.#options = options;
  }

  async find(digest: string): Promise<Artifact | undefined> {
    const hex = digest.replace(/^sha256:/, '');
    if (!hexName.test(hex)) return undefined;
    const entry = await this.#options.store.get(`artifacts/${hex}`);
    if (entry === undefined) return undefined;
    const directory = this.#directory(hex);
    const there = await stat(join(directory, 'manifest.json')).catch(() => undefined);
    return there === undefined ? undefined : { digest: `sha256:${hex}`, directory, ...(entry.value as ArtifactRecord) };
  }

  async resolve(image: string): Promise<Artifact | undefined> {
    const entry = await this.#options.store.get(`images/${image}`);
    return entry === undefined ? undefined : await this.find((entry.value as ImageRecord).digest);
  }

  async record(digest: string, facts: ArtifactRecord): Promise<Artifact> {
    const hex = digest.replace(/^sha256:/, '');
    await this.#options.store.put(`artifacts/${hex}`, facts);
    return { digest, directory: this.#directory(hex), ...facts };
  }

  async name(image: string, artifact: Artifact, builtAt: string): Promise<void> {
    await this.#options.store.put(`images/${image}`, { digest: artifact.digest, builtAt } satisfies ImageRecord);
  }

  async images(): Promise<readonly NamedImage[]> {
    const entries = await this.#options.store.list('images/');
    return entries.map((entry) => ({ image: entry.key.slice('images/'.length), ...(entry.value as ImageRecord) }));
  }

  /** Digests of all artifacts, recorded or left behind by a crash. */
  async digests(): Promise<readonly string[]> {
    const recorded = (await this.#options.store.list('artifacts/')).map((entry) =>
      entry.key.slice('artifacts/'.length),
    );
    const present = await readdir(join(this.#options.runDir, 'artifacts')).catch(() => []);
    const all = new Set([...recorded, ...present.filter((name) => hexName.test(name))]);
    return [...all].map((hex) => `sha256:${hex}`);
  }

  async remove(digest: string): Promise<void> {
    const hex = digest.replace(/^sha256:/, '');
    await this.#options.store.delete(`artifacts/${hex}`);
    const doomed = join(this.#options.runDir, 'artifacts', `.tmp-gone-${hex}`);
    await rename(this.#directory(hex), doomed).catch(() => undefined);
    await removeTree(doomed);
    await this.#options.identities.release('artifact', hex);
  }

  #directory(hex: string): string {
    return join(this.#options.runDir, 'artifacts', hex);
  }
}

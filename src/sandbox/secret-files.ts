import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { removeForeignTree } from './remove-foreign-tree.ts';

const tmpfsType = 0x01021994;
const ramfsType = 0x858458f6;
/** Where functions see their secrets when they have a mount namespace; builds see theirs where BuildKit shows them. */
export const secretsTarget = '/var/openfaas/secrets';
export const buildSecretsTarget = '/run/secrets';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Secrets of running programs, as files in memory: one folder per program, files 0400, owned by its user.
 * Where no memory file system can be had they lie in `runDir` and `missing` says so.
 */
export class SecretFiles {
  /** Parent of the folders; 0711, so that names in it cannot be listed. */
  readonly root: string;
  /** Reason why secrets are on disk; undefined: they are in memory. */
  readonly missing: string | undefined;

  /** `candidates`: directories that may be tmpfs, best first. */
  constructor(runDir: string, candidates: readonly string[] = ['/dev/shm', '/run/shm']) {
    // Two platforms on one machine must not sweep each other's secrets.
    const name = `tinderbox-${createHash('sha256').update(runDir).digest('hex').slice(0, 12)}`;
    const inMemory = candidates.filter(isMemoryFileSystem).map((directory) => join(directory, name));
    const memory = inMemory.find(makeOwnDirectory);
    this.root = memory ?? join(runDir, 'secrets');
    if (memory === undefined) makeOwnDirectory(this.root);
    this.missing = memory === undefined ? 'secrets in memory: no tmpfs of our own can be had' : undefined;
  }

  /** Removes what earlier platforms left, except the folders named. */
  async sweep(keep: ReadonlySet<string>): Promise<void> {
    const there = existsSync(this.root) ? readdirSync(this.root) : [];
    const stale = there.filter((id) => !keep.has(id));
    await Promise.all(stale.map((id) => this.remove(id)));
  }

  directory(id: string): string {
    return join(this.root, id);
  }

  /** An empty folder nobody but the platform can read yet. */
  prepare(id: string): string {
    const directory = this.directory(id);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  write(id: string, secrets: Readonly<Record<string, Buffer>>, owner: Owner | undefined): void {
    const directory = this.directory(id);
    for (const [name, value] of Object.entries(secrets)) {
      const path = join(directory, name);
      writeFileSync(path, value, { mode: 0o400, flag: 'wx' });
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    }
    if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
    chmodSync(directory, 0o500);
  }

  remove(id: string): Promise<void> {
    return removeForeignTree(this.directory(id));
  }

  /** Removes everything. */
  async close(): Promise<void> {
    await this.sweep(new Set());
    rmSync(this.root, { recursive: true, force: true });
  }
}

function isMemoryFileSystem(directory: string): boolean {
  try {
    const { type } = statfsSync(directory);
    return type === tmpfsType || type === ramfsType;
  } catch {
    return false;
  }
}

/** False when it cannot be made, or is somebody else's: everyone can make directories in a shared tmpfs. */
function makeOwnDirectory(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o711 });
    const facts = lstatSync(path);
    if (!facts.isDirectory() || (process.getuid !== undefined && facts.uid !== process.getuid())) return false;
    chmodSync(path, 0o711);
    return true;
  } catch {
    return false;
  }
}

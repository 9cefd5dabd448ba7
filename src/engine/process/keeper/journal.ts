import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CageRef } from '../../../sandbox/sandbox.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** Enough to find and kill a program after the keeper that held it is gone. */
export interface ProgramRecord {
  readonly bootId: string;
  /** The keeper that holds it. */
  readonly keeper: ProcessIdentity;
  readonly cage: CageRef;
  /** The program's own process; only where no cgroup tells who belongs to it. */
  readonly program?: ProcessIdentity;
}

/** One small file per living program in `runDir/keeper/programs`, so that nothing has to be rewritten. */
export class Journal {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Puts a program on record, or more of what is known of it. */
  put(id: string, record: ProgramRecord): void {
    const path = this.#path(id);
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  remove(id: string): void {
    rmSync(this.#path(id), { force: true });
  }

  /** Damaged records are left out: what they named cannot be told from a stranger. */
  all(): ReadonlyMap<string, ProgramRecord> {
    const found = new Map<string, ProgramRecord>();
    for (const name of readdirSync(this.#directory)) {
      const record = name.endsWith('.json') ? parseRecord(join(this.#directory, name)) : undefined;
      if (record !== undefined) found.set(name.slice(0, -'.json'.length), record);
    }
    return found;
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}

function parseRecord(path: string): ProgramRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as ProgramRecord;
    return Number.isInteger(value.keeper.pid) && Array.isArray(value.cage.cgroups) ? value : undefined;
  } catch {
    return undefined;
  }
}

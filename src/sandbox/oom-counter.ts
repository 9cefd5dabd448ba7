import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CageRef } from './sandbox.ts';

/** Counts the processes of a cage that the kernel killed for memory; 0 where that cannot be known. */
export class OomCounter {
  readonly #candidates: readonly string[];
  /** The one file that has the count, once it is found. */
  #file: string | undefined;

  constructor(cage: CageRef) {
    const name = cage.version === 'v2' ? 'memory.events' : 'memory.oom_control';
    this.#candidates = cage.cgroups.map((dir) => join(dir, name));
  }

  /** The count now; 0 once the cage is gone. */
  async read(): Promise<number> {
    const files = this.#file === undefined ? this.#candidates : [this.#file];
    for (const file of files) {
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      this.#file = file;
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
    }
    return 0;
  }
}

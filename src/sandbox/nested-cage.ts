import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { destroyCage } from './cage.ts';
import type { CageRef } from './sandbox.ts';

/** A cage inside a cage: it has no limits of its own, shares those around it, and can be emptied alone. */
export function nestedCage(cage: CageRef, id: string): CageRef {
  return { id, cgroups: cage.cgroups.map((directory) => join(directory, id)), version: cage.version };
}

/**
 * Makes its directories; where the cage around it is gone or a limit would not count for what is inside, it rejects and
 * leaves nothing. Node's built-ins are all it needs, so the keeper process can import it.
 */
export async function makeNestedCage(cage: CageRef): Promise<void> {
  try {
    for (const directory of cage.cgroups) {
      // Not recursive: a cage that is gone must not come back.
      await mkdir(directory);
      await assertCounted(directory);
    }
  } catch (error) {
    await destroyCage(cage);
    throw error;
  }
}

/** Before Linux 5.11 a group of version 1 may count the memory of its children apart, which would be no limit. */
async function assertCounted(directory: string): Promise<void> {
  const shared = await readFile(join(directory, 'memory.use_hierarchy'), 'utf8').catch(() => '1');
  if (shared.trim() === '0') throw new TypeError(`${directory} would not share the memory limit around it`);
}

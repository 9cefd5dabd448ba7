import { readdirSync } from 'node:fs';
import { type CageParent, cageOf } from './cage.ts';
import type { CageRef } from './sandbox.ts';
import { isProbing } from './probe-cage.ts';

/** The cages below a parent, without one that a starting platform tries out this moment. */
export function listCages(parent: CageParent): readonly CageRef[] {
  const ids = new Set(parent.cgroups.flatMap(directoriesIn));
  return [...ids].filter((id) => !isProbing(id)).map((id) => cageOf(parent, id));
}

function directoriesIn(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CageParent, destroyCage } from '../../../sandbox/cage.ts';
import { listCages } from '../../../sandbox/list-cages.ts';
import type { CageRef } from '../../../sandbox/sandbox.ts';
import { removeTraces } from './remove-traces.ts';

/** Where a platform keeps what must not outlive it. */
export interface Places {
  /** Folders with one entry per instance: instance folders, secrets. */
  readonly folders: readonly string[];
  /** Parent of all cages, builds included. */
  readonly cages: CageParent;
}

/** All that is in these places at one moment. */
export interface Belongings {
  readonly entries: readonly string[];
  readonly cages: readonly CageRef[];
}

/** Looks in one go, without giving way: what a platform makes from now on is not in it. */
export function listBelongings({ folders, cages }: Places): Belongings {
  return { entries: folders.flatMap(entriesOf), cages: listCages(cages) };
}

/** Kills what runs in the cages, then removes the entries. Never rejects. */
export async function removeBelongings({ entries, cages }: Belongings): Promise<void> {
  await Promise.all(cages.map((cage) => destroyCage(cage).catch(() => undefined)));
  await removeTraces(entries);
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

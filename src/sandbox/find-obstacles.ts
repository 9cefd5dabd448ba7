import { type Stats, lstatSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import type { Identity } from './sandbox.ts';

/** What a user wants of the file, or of the folder (which can only be passed), at the end of a path. */
export type Need = 'execute' | 'read' | 'read and execute';

/** What keeps a user from what a path leads to. */
export interface Obstacle {
  /** The folder, file or link on the way, links before it resolved. */
  readonly at: string;
  /** `pass`: a folder on the way is closed; `use`: what the path ends at is. */
  readonly kind: 'pass' | 'use' | 'absent' | 'links';
  /** Mode bits of what is closed. */
  readonly mode: number;
}

/** A user with no rights but everybody's. */
const anyone: Identity = { uid: -1, gid: -1, groups: [] };
const bitsOf: Readonly<Record<Need, number>> = { execute: 0o1, read: 0o4, 'read and execute': 0o5 };
const mostLinks = 40;

/** Whether every user of the machine may do so. */
export function isOpenToOthers(path: string, need: Need): boolean {
  return findObstacle(path, anyone, need) === undefined;
}

/** The first thing in the way of a user, as the kernel would come upon it. */
export function findObstacle(path: string, user: Identity, need: Need): Obstacle | undefined {
  return findObstacles(path, user, need).next().value ?? undefined;
}

/** The last thing in the way of others who are to pass through a folder: nearest to what is theirs. */
export function findClosedFolder(directory: string): Obstacle | undefined {
  return [...findObstacles(directory, anyone, 'execute')].at(-1);
}

/**
 * Walks an absolute path as the kernel does, links followed, and judges by mode bits alone: access lists are not
 * considered. Goes on behind what is closed, as far as the platform's own user may look.
 */
function* findObstacles(path: string, user: Identity, need: Need): Generator<Obstacle, undefined> {
  let rest = resolve(path).split(sep).filter(Boolean);
  let at = '/';
  let links = 0;
  for (;;) {
    const facts = lookAt(at);
    if (facts === undefined) return yield { at, kind: 'absent', mode: 0 };
    if (facts.isSymbolicLink()) {
      if (++links > mostLinks) return yield { at: path, kind: 'links', mode: 0 };
      rest = [...resolve(dirname(at), readlinkSync(at)).split(sep).filter(Boolean), ...rest];
      at = '/';
      continue;
    }
    const bits = facts.isDirectory() ? bitsOf.execute : bitsOf[need];
    const kind = rest.length > 0 ? 'pass' : 'use';
    if (!permits(facts, user, bits)) yield { at, kind, mode: facts.mode & 0o777 };
    const next = rest.shift();
    if (next === undefined) return undefined;
    at = join(at, next);
  }
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** The kernel's rule: the first class that fits decides alone; root passes every folder, and needs one x bit to run. */
function permits(facts: Stats, { uid, gid, groups }: Identity, bits: number): boolean {
  const has = (shift: number): boolean => ((facts.mode >> shift) & bits) === bits;
  if (uid === 0) return facts.isDirectory() || (bits & bitsOf.execute) === 0 || (facts.mode & 0o111) !== 0;
  if (facts.uid === uid) return has(6);
  return facts.gid === gid || groups.includes(facts.gid) ? has(3) : has(0);
}

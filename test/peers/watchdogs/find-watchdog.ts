import { findRelease, type Obtained } from '../go-program.ts';

/** The newest releases; their tags are no Go versions. */
export const originals = {
  'classic-watchdog': '0.3.9, commit 23db9142df2b',
  'of-watchdog': '0.11.6, commit 9bdadb1e8c68',
} as const;
export type Original = keyof typeof originals;

/** The release of a real watchdog of OpenFaaS. */
export function findWatchdog(name: Original): Obtained {
  const missing = `${name} (${originals[name]}) is not there: set PEER_PROGRAMS to a folder that holds the program`;
  return findRelease(name) ?? { missing };
}

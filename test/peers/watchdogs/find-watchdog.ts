import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildCheckout, type Obtained } from '../go-program.ts';

const cache = resolve(import.meta.dirname, '../../.cache');

/** The newest releases; their tags are no Go versions. */
export const originals = {
  'classic-watchdog': '0.3.9, commit 23db9142df2b',
  'of-watchdog': '0.11.6, commit 9bdadb1e8c68',
} as const;
export type Original = keyof typeof originals;

/** A real watchdog of OpenFaaS: put to the cache, or built from a checkout of its repository below `$WATCHDOG_SOURCES`. */
export function findWatchdog(name: Original): Obtained {
  const file = join(cache, name);
  if (existsSync(file)) return { file };
  return (
    buildCheckout('WATCHDOG_SOURCES', name) ?? {
      missing: `${name} (${originals[name]}) is not there: set WATCHDOG_SOURCES to a folder with a checkout of github.com/openfaas/${name}, or put the program to test/.cache/${name}`,
    }
  );
}

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const cache = resolve(import.meta.dirname, '../../.cache');

/** The newest releases; their tags are no Go versions. */
export const originals = {
  'classic-watchdog': '0.3.9, commit 23db9142df2b',
  'of-watchdog': '0.11.6, commit 9bdadb1e8c68',
} as const;
export type Original = keyof typeof originals;

/**
 * A real watchdog of OpenFaaS: kept from before, or built from a checkout of its repository below `$WATCHDOG_SOURCES`, with
 * the dependencies it brings along. Module proxies need not serve these repositories, so they are not asked for them.
 */
export function findWatchdog(name: Original): { readonly file: string } | { readonly missing: string } {
  const file = join(cache, name);
  if (existsSync(file)) return { file };
  const source = join(process.env['WATCHDOG_SOURCES'] ?? '', name);
  if (process.env['WATCHDOG_SOURCES'] === undefined || !existsSync(join(source, 'go.mod'))) {
    return {
      missing: `${name} (${originals[name]}) is not there: set WATCHDOG_SOURCES to a folder with a checkout of github.com/openfaas/${name}, or put the program to test/.cache/${name}`,
    };
  }
  mkdirSync(cache, { recursive: true });
  const built = spawnSync('go', ['build', '-mod=vendor', '-buildvcs=false', '-o', file, '.'], {
    cwd: source,
    encoding: 'utf8',
  });
  if (built.error !== undefined) return { missing: `${name} is built with Go, which is not on PATH` };
  return built.status === 0 ? { file } : { missing: `${name} could not be built: ${built.stderr}` };
}

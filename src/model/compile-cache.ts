import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/**
 * What a worker, thread or process, needs in its environment to share this process's compile cache, so that it need not
 * strip types anew: 15 MiB less when run from source. Empty where there is none.
 */
export function compileCacheEnvironment(): Readonly<Record<string, string>> {
  const cache = getCompileCacheDir();
  // What is told is the folder of this version, what is asked for the one above it.
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) };
}

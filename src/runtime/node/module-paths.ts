import Module, { registerHooks } from 'node:module';
import { basename, delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Package names that are not found from the handler's own place are looked for in these directories, in order; for
 * `import` and `require` alike.
 */
export function useModulePaths(modulePaths: readonly string[]): void {
  if (modulePaths.length === 0) return;
  useForRequire(modulePaths);
  const parents = modulePaths.map(lookupParent);
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (/^[./]|^\w+:/.test(specifier)) throw error;
        for (const parentURL of parents) {
          try {
            return next(specifier, { ...context, parentURL });
          } catch {
            // The next directory may have it.
          }
        }
        throw error;
      }
    },
  });
}

/** `require` takes its places from NODE_PATH, which is read once at start and only by `require`. */
function useForRequire(modulePaths: readonly string[]): void {
  const own = process.env['NODE_PATH'];
  process.env['NODE_PATH'] = [...modulePaths, ...(own === undefined ? [] : [own])].join(delimiter);
  (Module as unknown as { _initPaths(): void })._initPaths();
  if (own === undefined) delete process.env['NODE_PATH'];
  else process.env['NODE_PATH'] = own;
}

/** A file whose `node_modules` lookup begins with the directory. */
function lookupParent(directory: string): string {
  const owner = basename(directory) === 'node_modules' ? dirname(directory) : directory;
  return pathToFileURL(join(owner, 'lookup.js')).href;
}

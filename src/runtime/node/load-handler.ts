import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import type { Specialise } from '../../frame/messages.ts';
import { type EventHandler, eventHandler } from './event-handler.ts';
import { type FetchHandler, fetchHandler } from './fetch-handler.ts';
import type { LoadedHandler } from './handler.ts';

/**
 * Loads the handler module (CommonJS, ES module or TypeScript) and finds out what shape it has: `fetch` for a default
 * export with a `fetch` method, `event-context` for a function. Throws with what the module threw, or with what it
 * lacks.
 */
export async function loadHandler(specialise: Pick<Specialise, 'name' | 'handler'>): Promise<LoadedHandler> {
  if (specialise.handler === undefined) throw new Error('specialise names no handler module');
  const exported = unwrap(await loadExport(specialise.handler));
  if (typeof exported === 'function') {
    return { style: 'event-context', handler: eventHandler(exported as EventHandler, process.env) };
  }
  if (isFetchHandler(exported)) return { style: 'fetch', handler: fetchHandler(exported, specialise.name) };
  throw new Error(
    `${specialise.handler} exports no handler: expected module.exports = (event, context) => …, ` +
      'or export default { fetch(request, context) { … } }',
  );
}

/**
 * The default export. `require` takes CommonJS and ES modules alike and spares the first kind the loader of the second;
 * what awaits at its top level can only be imported.
 */
async function loadExport(file: string): Promise<unknown> {
  try {
    const exported: unknown = createRequire(file)(file);
    return types.isModuleNamespaceObject(exported) ? (exported as { default?: unknown }).default : exported;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
  }
}

/** A transpiled ES module stands in CommonJS as `exports.default`. */
function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isFetchHandler(value)) return value;
  return (value as { default?: unknown }).default;
}

function isFetchHandler(value: unknown): value is FetchHandler {
  return typeof value === 'object' && value !== null && typeof (value as FetchHandler).fetch === 'function';
}

/**
 * Root of a thread that compiles TypeScript, one folder after the other: the parser is not to be trusted with what it
 * reads. It may take as long as it likes, and one that ran out of its stack reads nothing any more.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { type CompiledTypeScript, compileTypeScript } from './type-script.ts';
import { type WireError, wireErrorFrom } from './worker-protocol.ts';

export interface CompileOrder {
  readonly folder: string;
  /** Files of it, relative. */
  readonly paths: readonly string[];
}

export type CompileAnswer = { readonly compiled: CompiledTypeScript } | { readonly error: WireError };

async function answer({ folder, paths }: CompileOrder): Promise<CompileAnswer> {
  try {
    return { compiled: await compileTypeScript(paths, async (path) => await readFile(join(folder, path), 'utf8')) };
  } catch (reason) {
    return { error: wireErrorFrom(reason) };
  }
}

parentPort?.on('message', (order: CompileOrder) => {
  void answer(order).then((told) => parentPort?.postMessage(told));
});

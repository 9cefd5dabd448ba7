import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TinderboxError } from '../model/errors.ts';

/**
 * Throws `build-failed` when a command line names a program of the artifact (`./handler`) that is not there or cannot be
 * run. A program of the machine, or a quoted name, is left to the start of the function.
 */
export async function assertProgram(process: string, code: string): Promise<void> {
  const name = process.trim().split(/\s+/)[0] ?? '';
  if (!/^\.\/[^'"\\$]+$/.test(name)) return;
  const stats = await stat(resolve(code, name)).catch(() => undefined);
  if (stats?.isFile() === true && (stats.mode & 0o100) !== 0) return;
  const problem = stats === undefined ? 'there is no such file after the build' : 'it is not an executable file';
  throw new TinderboxError('build-failed', `process "${process.slice(0, 200)}" cannot be run: ${problem}`, {
    hint: 'set fprocess to what the build makes, and keep its executable bit',
  });
}

import type { InvokeMode } from '../model/artifact.ts';
import { TinderboxError } from '../model/errors.ts';

/** Values of `mode`, OpenFaaS's own among them, and how calls then reach a program. */
const modes: Readonly<Record<string, Exclude<InvokeMode, 'frame'>>> = {
  fork: 'fork',
  http: 'http',
  classic: 'fork',
  streaming: 'fork',
  serializing: 'fork',
  static: 'fork',
};

/** The mode a program was ordered with; undefined: none was named. Throws `invalid` for one that is not known. */
export function parseMode(mode: string | undefined): Exclude<InvokeMode, 'frame'> | undefined {
  if (mode === undefined || mode === '') return undefined;
  const found = Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  if (found !== undefined) return found;
  throw new TinderboxError('invalid', `mode "${mode.slice(0, 100)}" is not one of ${Object.keys(modes).join(', ')}`);
}

/** Throws `invalid` for a command line that cannot be one. */
export function assertProcess(process: string): void {
  if (process.trim() === '' || process.length > 4096 || /[\0\n\r]/.test(process)) {
    throw new TinderboxError('invalid', 'process is empty, longer than 4096 characters, or holds a line break');
  }
}

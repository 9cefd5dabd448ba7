import { TinderboxError } from '../../model/errors.ts';
import { orAbort } from './or-abort.ts';
import type { KeptProgram } from './kept-program.ts';

/** Resolves when the program says that it listens. Rejects when it ends first, or with the signal's reason. */
export async function awaitListening(program: KeptProgram, signal: AbortSignal): Promise<void> {
  await orAbort(Promise.race([program.listening, program.ended.then(throwEnded)]), signal);
}

function throwEnded(): never {
  throw new TinderboxError('cannot-start', 'it ended before it was ready');
}

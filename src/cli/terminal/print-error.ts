import { TinderboxError } from '../../model/errors.ts';
import { showControls } from '../output/printable-text.ts';
import type { Shell } from './shell.ts';

/** Prints why a command failed and how it can be helped. Returns the exit code; a stack only with `TINDERBOX_DEBUG`. */
export function printError(shell: Pick<Shell, 'stderr' | 'env'>, reason: unknown): number {
  const error = TinderboxError.from(reason);
  if (error.code === 'canceled') return error.exitCode;
  shell.stderr.write(`error: ${printable(error.message)}\n`);
  if (error.hint !== undefined) shell.stderr.write(`hint: ${printable(error.hint)}\n`);
  if ((shell.env['TINDERBOX_DEBUG'] ?? '') !== '') shell.stderr.write(`${stackOf(error)}\n`);
  return error.exitCode;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

/** A message may be what a gateway answered, and hold the lines of a log. */
function printable(text: string): string {
  return text.split('\n').map(showControls).join('\n');
}

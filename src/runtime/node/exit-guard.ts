import type { AsyncLocalStorage } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import { formatWithOptions } from 'node:util';
import type { Call } from './call.ts';

const failureCode = 1;
/** Kept from before a handler can reach `process`. */
const exit = process.exit.bind(process);

/** Ends the process in good order. */
export function exitNow(): never {
  return exit(0);
}

/** Ends the process with one line on stderr that says why. */
export function exitFor(reason: string): never {
  say(`tinderbox: ${reason}\n`);
  return exit(failureCode);
}

/** A function that ends its process, by whatever means, is told from one that was stopped: the log says which call. */
export function guardExits(calls: AsyncLocalStorage<Call>): void {
  const during = (): string => {
    const call = calls.getStore();
    return call === undefined ? '' : ` during call ${call.request.callId}`;
  };
  process.exit = (code) => exitFor(`the function called process.exit(${code ?? ''})${during()}`);
  process.on('uncaughtException', (error) => exitFor(`uncaught exception${during()}: ${describe(error)}`));
  process.on('unhandledRejection', (reason) => exitFor(`unhandled rejection${during()}: ${describe(reason)}`));
}

function describe(reason: unknown): string {
  return formatWithOptions(
    { colors: false },
    '%s',
    reason instanceof Error ? (reason.stack ?? reason.message) : reason,
  );
}

/** Straight to stderr, whatever a handler made of `process` or `console`. */
export function say(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads stderr any more; the exit code still tells.
  }
}

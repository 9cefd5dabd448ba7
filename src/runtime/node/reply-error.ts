import type { Call } from './call.ts';

/** Answers with one line of text. */
export function replyError(call: Call, status: number, text: string): void {
  const [line = ''] = text.split('\n', 1);
  call.reply(status, ['content-type', 'text/plain; charset=utf-8'], Buffer.from(`${line}\n`));
}

/** The handler threw, or its answer did when it was read: the log gets all of it, the caller 500 and the first line. */
export function replyCrash(call: Call, error: unknown): void {
  if (!call.isStopped) logError(error);
  replyError(call, 500, textOf(error));
}

/** Logs what a function threw. That may be anything, even something that throws when it is looked at. */
export function logError(error: unknown): void {
  try {
    console.error(error);
  } catch {
    console.error(textOf(error));
  }
}

/** Never throws, whatever was thrown. */
export function textOf(error: unknown): string {
  try {
    const isPlain = typeof error === 'object' && error !== null && !(error instanceof Error);
    const text: unknown = isPlain ? JSON.stringify(error) : String(error as Error);
    if (typeof text === 'string') return text;
  } catch {
    // Not even its text can be had.
  }
  return 'the function threw something that cannot be shown';
}

import { type ErrorCode, TinderboxError } from '../../model/errors.ts';

/** A TinderboxError as it travels between threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that mean something to our callers. */
const meanings: Readonly<Record<number, (file: string, text: string) => Failure>> = {
  5: (file) => ({ code: 'conflict', message: `the database ${file} is in use by another process` }),
  8: (file) => notWritable(file, 'it is read-only'),
  11: damaged,
  13: diskFull,
  14: (file) => notWritable(file, 'it cannot be opened'),
  26: damaged,
};

/** Translates what node:sqlite threw; ours stays as it is. The one place that knows SQLite's codes. */
export function failureFrom(reason: unknown, file: string): Failure {
  if (reason instanceof TinderboxError) {
    return { code: reason.code, message: reason.message, ...(reason.hint === undefined ? {} : { hint: reason.hint }) };
  }
  const text = reason instanceof Error ? reason.message : String(reason);
  if (reason instanceof Error && 'errcode' in reason && typeof reason.errcode === 'number') {
    const meaning = meanings[reason.errcode & 0xff];
    if (meaning !== undefined) return meaning(file, text);
  }
  if (reason instanceof Error && 'syscall' in reason) {
    if ('code' in reason && (reason.code === 'ENOSPC' || reason.code === 'EDQUOT')) return diskFull(file);
    return notWritable(file, text);
  }
  return { code: 'internal', message: `the database ${file} failed: ${text}` };
}

export function errorFrom(failure: Failure): TinderboxError {
  return new TinderboxError(failure.code, failure.message, failure.hint === undefined ? {} : { hint: failure.hint });
}

function diskFull(file: string): Failure {
  return {
    code: 'disk-full',
    message: `the disk of ${file} is full`,
    hint: 'free some space on it; nothing that was acknowledged is lost',
  };
}

function damaged(file: string, text: string): Failure {
  return {
    code: 'config',
    message: `the database ${file} is damaged: ${text}`,
    hint: `restore it from a backup, or move it away to start with an empty one`,
  };
}

function notWritable(file: string, why: string): Failure {
  return {
    code: 'config',
    message: `the database ${file} is not writable by uid ${process.geteuid?.() ?? '?'}: ${why}`,
  };
}

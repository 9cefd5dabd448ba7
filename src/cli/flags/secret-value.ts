import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { TinderboxError } from '../../model/errors.ts';
import type { Shell } from '../terminal/shell.ts';

export interface SecretValueFlags {
  readonly fromLiteral?: string;
  readonly fromFile?: string;
  /** Cuts white space at both ends; default true, as with faas-cli. */
  readonly trim: boolean;
}

/** The value of a secret from the one place the flags name. Throws `invalid` for two places, none, or nothing. */
export async function readSecretValue(shell: Shell, flags: SecretValueFlags): Promise<Buffer> {
  if (flags.fromLiteral !== undefined && flags.fromFile !== undefined) {
    throw new TinderboxError('invalid', '--from-literal and --from-file exclude each other');
  }
  const raw = await readRaw(shell, flags);
  const value = flags.trim ? trimBytes(raw) : raw;
  if (value.length === 0) throw new TinderboxError('invalid', 'the value of the secret is empty');
  return value;
}

async function readRaw(shell: Shell, flags: SecretValueFlags): Promise<Buffer> {
  if (flags.fromLiteral !== undefined) return Buffer.from(flags.fromLiteral, 'utf8');
  if (flags.fromFile !== undefined) {
    return readFile(resolve(shell.cwd, flags.fromFile)).catch((cause: Error) => {
      throw new TinderboxError('invalid', `--from-file ${flags.fromFile} cannot be read: ${cause.message}`, { cause });
    });
  }
  if (shell.stdin.isTTY === true) {
    throw new TinderboxError('invalid', 'no value given', {
      hint: 'pipe it in, or use --from-file FILE or --from-literal VALUE',
    });
  }
  return buffer(shell.stdin);
}

/** Without white space at both ends. */
export function trimBytes(value: Buffer): Buffer {
  const isSpace = (byte: number | undefined): boolean => byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13);
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value[start])) start++;
  while (end > start && isSpace(value[end - 1])) end--;
  return value.subarray(start, end);
}

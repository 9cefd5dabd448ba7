import { TinderboxError } from '../model/errors.ts';
import type { HttpReply } from './fetch.ts';

/** Decides whether a value of an answer has what the caller stands on. */
export type Expectation = (value: unknown) => boolean;

export const isObject: Expectation = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export const isText: Expectation = (value) => typeof value === 'string';

/** An object in which these fields are texts. */
export function hasTexts(...names: readonly string[]): Expectation {
  return (value) => isObject(value) && names.every((name) => isText((value as Record<string, unknown>)[name]));
}

/**
 * The text of an answer. Throws `bad-reply` when it is longer, and reads no further: whoever answers may never stop.
 */
export async function readText(reply: HttpReply, maxBytes: number, gateway: string): Promise<string> {
  const { text, whole } = await readBeginning(reply, maxBytes);
  if (whole) return text;
  throw new TinderboxError('bad-reply', `${gateway} answered with more than ${maxBytes} bytes`);
}

/** The first `maxBytes` of an answer, and whether that is all of it. */
export async function readBeginning(
  reply: HttpReply,
  maxBytes: number,
): Promise<{ readonly text: string; readonly whole: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  const text = Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
  return { text, whole: bytes <= maxBytes };
}

import { TinderboxError } from '../model/errors.ts';

const maxLineChars = 4 * 2 ** 20;

/** The JSON values of a newline-delimited stream, as they arrive; throws `bad-reply` for a line that is none. */
export async function* parseNdjson<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineChars) {
      throw new TinderboxError('bad-reply', `a line of the answer is longer than ${maxLineChars} characters`);
    }
    yield* parseLines<T>(lines);
  }
  yield* parseLines<T>([rest + decoder.decode()]);
}

function* parseLines<T>(lines: readonly string[]): Generator<T> {
  for (const line of lines) if (line.trim() !== '') yield parseLine(line) as T;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new TinderboxError('bad-reply', `a line of the answer is not JSON: ${line.slice(0, 200)}`, { cause });
  }
}

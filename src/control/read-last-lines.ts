import type { Engine } from '../engine/engine.ts';

const maxLines = 10;
const maxLineChars = 500;
const timeoutMs = 1_000;

/** The last log lines of one instance, for the failure that is kept with its revision; none when they cannot be had. */
export async function readLastLines(
  engine: Pick<Engine, 'logs'>,
  instance: { readonly namespace: string; readonly name: string; readonly instance: string },
): Promise<readonly string[]> {
  const lines: string[] = [];
  try {
    const query = { ...instance, tail: maxLines, follow: false };
    for await (const line of engine.logs(query, AbortSignal.timeout(timeoutMs))) {
      lines.push(line.text.trimEnd().slice(0, maxLineChars));
    }
  } catch {
    // The reason of the failure is worth more than its log: it is kept without the lines.
  }
  return lines.slice(-maxLines);
}

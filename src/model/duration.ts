import { TinderboxError } from './errors.ts';
import { shorten } from './shorten.ts';

const unitMs: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Parses a Go duration (`1m30s`, `500ms`) or whole seconds (`30`), as OpenFaaS's variables take them, into milliseconds. */
export function parseDurationMs(text: string, what = 'duration'): number {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed) * 1000;
  const part = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/y;
  let total = 0;
  while (part.lastIndex < trimmed.length) {
    const match = part.exec(trimmed);
    if (match === null)
      throw new TinderboxError('invalid', `${what} "${shorten(text)}" is not a duration such as 30s, 1m30s or 500ms`);
    total += Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
  }
  if (trimmed === '') throw new TinderboxError('invalid', `${what} is empty; give a duration such as 30s`);
  return total;
}

import type { LogLine } from '../../model/log-line.ts';
import { showControls } from './printable-text.ts';

export type LogFormat = 'plain' | 'keyvalue' | 'json';

/** One line of a function's log, without a newline. Escape sequences in it are shown, not sent to the terminal. */
export function formatLogLine(line: LogLine, format: LogFormat): string {
  const text = line.text.replace(/\r?\n$/, '');
  if (format === 'json') return JSON.stringify(line);
  if (format === 'plain') return `${line.timestamp} ${line.name} (${line.instance}) ${showControls(text)}`;
  const fields = Object.entries({ ...line, text }).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return fields.join(' ');
}

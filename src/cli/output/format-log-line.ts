import type { LogLine } from '../../model/log-line.ts';
import { formatGoTime } from './go-time.ts';
import { showControls } from './printable-text.ts';

export type LogFormat = 'plain' | 'keyvalue' | 'json';

/** What is shown beside the text of a line. `json` shows everything whatever stands here. */
export interface LogLineOptions {
  /** Go layout of the time; empty: no time. Undefined: as the platform wrote it. */
  readonly timeLayout?: string | undefined;
  readonly name: boolean;
  readonly instance: boolean;
}

/** One line of a function's log, without a newline, as faas-cli prints it. Escape sequences in it are shown, not sent. */
export function formatLogLine(line: LogLine, format: LogFormat, options: LogLineOptions): string {
  if (format === 'json') return JSON.stringify(line);
  const text = line.text.replace(/\r?\n$/, '');
  const { timeLayout } = options;
  const time =
    timeLayout === undefined ? line.timestamp : timeLayout === '' ? '' : formatGoTime(line.timestamp, timeLayout);
  if (format === 'plain') {
    const shown = [time, options.name ? line.name : '', options.instance ? `(${line.instance})` : '', text];
    return showControls(shown.filter((part, index) => index === 3 || part !== '').join(' '));
  }
  const fields = [
    ...(time === '' ? [] : [['timestamp', time]]),
    ...(options.name ? [['name', line.name]] : []),
    ...(options.instance ? [['instance', line.instance]] : []),
    ['text', text],
  ];
  return fields.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' ');
}

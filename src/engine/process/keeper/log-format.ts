/**
 * One line on disk: `TIME INSTANCE STREAM CALL TEXT\n`. TIME is RFC 3339 in UTC with milliseconds (24 characters),
 * STREAM one of `o` (stdout), `e` (stderr), `s` (the platform itself), CALL the invocation id or `-`. TEXT is what the
 * function wrote, bytes untouched, without its newline; it may contain spaces and may be empty.
 */
export type StreamCode = 'o' | 'e' | 's';

/** Where a line of the platform itself says which fields it has. */
export interface ParsedLine {
  readonly timestamp: string;
  readonly instance: string;
  readonly stream: StreamCode;
  readonly callId: string | undefined;
  readonly text: string;
}

const timeLength = 24;

/** The fields before the text, with the space that ends them. */
export function formatLineHead(timestamp: string, instance: string, stream: StreamCode, callId: string | undefined) {
  return `${timestamp} ${instance} ${stream} ${callId ?? '-'} `;
}

/** Instance of a raw line without decoding the rest; undefined when the line is damaged. */
export function instanceOfLine(line: Buffer): string | undefined {
  const end = line.indexOf(32, timeLength + 1);
  return end < 0 ? undefined : line.toString('latin1', timeLength + 1, end);
}

/** Undefined for a line that is not of this format, for example one cut off by a full disk. */
export function parseLogLine(line: Buffer): ParsedLine | undefined {
  const instanceEnd = line.indexOf(32, timeLength + 1);
  const callEnd = instanceEnd < 0 ? -1 : line.indexOf(32, instanceEnd + 3);
  if (callEnd < 0 || line[timeLength] !== 32 || line[instanceEnd + 2] !== 32) return undefined;
  const stream = String.fromCharCode(line[instanceEnd + 1] ?? 0);
  if (stream !== 'o' && stream !== 'e' && stream !== 's') return undefined;
  const callId = line.toString('latin1', instanceEnd + 3, callEnd);
  return {
    timestamp: line.toString('latin1', 0, timeLength),
    instance: line.toString('latin1', timeLength + 1, instanceEnd),
    stream,
    callId: callId === '-' ? undefined : callId,
    text: line.toString('utf8', callEnd + 1),
  };
}

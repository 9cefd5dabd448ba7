import type { FunctionStatus } from '../../client/functions.ts';
import { stripControls } from './printable-text.ts';

/** One line of a list in faas-cli's columns, without a newline. */
export interface FunctionListFormat {
  readonly header: string;
  line(fn: FunctionStatus): string;
}

/** What `faas-cli list` prints: padded columns with a tab between them, also after the last number of a line. */
export const plainFunctionList: FunctionListFormat = {
  header: row(['Function', 30], ['Invocations', 15], ['Replicas', 5]),
  line: (fn) => row([fn.name, 30], [String(fn.invocationCount ?? 0), 15], [String(fn.replicas ?? 0), 5]),
};

/** What `faas-cli list --verbose` prints; the image column is as wide as the longest image. */
export function verboseFunctionList(functions: readonly FunctionStatus[]): FunctionListFormat {
  const width = Math.max(40, ...functions.map((fn) => fn.image.length));
  return {
    header: row(['Function', 30], ['Image', width], ['Invocations', 15], ['Replicas', 5], ['CreatedAt', 5]),
    line: (fn) =>
      row(
        [fn.name, 30],
        [fn.image, width],
        [String(fn.invocationCount ?? 0), 15],
        [String(fn.replicas ?? 0), 5],
        ['', 0],
        [goTime(fn.createdAt), 5],
      ),
  };
}

function row(...cells: readonly (readonly [text: string, width: number])[]): string {
  return cells.map(([text, width]) => stripControls(text).padEnd(width)).join('\t');
}

/** A time as Go writes it: `2026-01-02 03:04:05.678 +0000 UTC`; its zero time where none is known. */
function goTime(text: string | undefined): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z$/.exec(text ?? '');
  if (match === null) return text === undefined ? '0001-01-01 00:00:00 +0000 UTC' : text;
  const fraction = (match[3] ?? '').replace(/\.?0+$/, '');
  return `${match[1]} ${match[2]}${fraction} +0000 UTC`;
}

import { stripControls } from './printable-text.ts';

/** One column of a table: its title, and what it shows of a row. */
export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
}

const gap = 3;

/** Rows under titles, each column as wide as its widest value; no trailing blanks. Ends with a newline. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((c) => stripControls(c.value(row)))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => (row[index] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd((widths[index] ?? 0) + gap))
        .join('')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

import { type StoreEntry, storeImage } from '../../model/function-store.ts';
import { stripControls } from '../output/printable-text.ts';

const maxTitle = 40;
const textWidth = 80;

/** The list as faas-cli prints it: its column DESCRIPTION shows titles, cut off at 40 characters unless `verbose`. */
export function formatStoreList(entries: readonly StoreEntry[], verbose: boolean): string {
  const titleOf = ({ title }: StoreEntry): string =>
    verbose || title.length <= maxTitle ? title : `${title.slice(0, maxTitle - 3)}...`;
  const rows = entries.map((entry) => [entry.name, entry.author || 'unknown', titleOf(entry)]);
  return `\n${alignColumns([['FUNCTION', 'AUTHOR', 'DESCRIPTION'], ...rows])}\n`;
}

/** All that a store says of a function, as faas-cli prints it; maps in the order of their keys. */
export function formatStoreEntry(entry: StoreEntry, platform: string): string {
  return [
    alignColumns([
      ['Title:', entry.title],
      ['Author:', entry.author],
      ['Description:', ''],
    ]),
    `${wrapText(stripLines(entry.description), textWidth)}\n\n`,
    alignColumns([
      ['Image:', storeImage(entry, platform) ?? ''],
      ['Process:', entry.fprocess],
      ['Repo URL:', entry.repo_url],
    ]),
    formatMap('Environment', entry.environment),
    formatMap('Labels', entry.labels),
    formatMap('Annotations', entry.annotations),
  ].join('');
}

function formatMap(title: string, map: Readonly<Record<string, string>>): string {
  const rows = Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ['- ', `${key}:`, value]);
  return rows.length === 0 ? '' : `${title}:\n${alignColumns(rows)}\n`;
}

/** Go's `tabwriter` with one blank between columns: every cell but the last is padded. */
function alignColumns(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(stripControls));
  const widths = (clean[0] ?? []).map((_, column) => Math.max(...clean.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number, row: readonly string[]): string =>
    column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 1);
  return clean.map((row) => `${row.map((cell, column) => pad(cell, column, row)).join('')}\n`).join('');
}

function stripLines(text: string): string {
  return text.split('\n').map(stripControls).join('\n');
}

/** Breaks lines at blanks, so that each has at most `width` characters where its words allow it. */
function wrapText(text: string, width: number): string {
  return text
    .split('\n')
    .map(
      (line) =>
        line.split(/ +/).reduce<{ readonly done: string; readonly used: number }>(
          ({ done, used }, word) => {
            if (done === '') return { done: word, used: word.length };
            const fits = used + 1 + word.length <= width;
            return { done: `${done}${fits ? ' ' : '\n'}${word}`, used: fits ? used + 1 + word.length : word.length };
          },
          { done: '', used: 0 },
        ).done,
    )
    .join('\n');
}

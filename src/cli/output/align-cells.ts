/**
 * Pads the text before a tab, over lines that follow each other, to its longest and one blank more: the rule of Go's
 * `tabwriter` with one column, in which faas-cli prints. A line without a tab ends the block; a leading tab is nothing.
 */
export function alignCells(lines: readonly string[]): string {
  let out = '';
  for (let start = 0; start < lines.length; ) {
    let end = start;
    while (end < lines.length && lines[end]?.includes('\t') === true) end += 1;
    const block = lines.slice(start, end).map((line) => splitAtTab(line));
    const width = Math.max(0, ...block.map(([label]) => label.length)) + 1;
    out += block.map(([label, value]) => `${label === '' ? '' : label.padEnd(width)}${value}\n`).join('');
    if (end < lines.length) out += `${lines[end]}\n`;
    start = end + 1;
  }
  return out;
}

function splitAtTab(line: string): readonly [label: string, value: string] {
  const tab = line.indexOf('\t');
  return [line.slice(0, tab), line.slice(tab + 1)];
}

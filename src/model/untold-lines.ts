/**
 * The lines that none of the texts has already; none at all when only blank ones are left. Both tell of one failure, and a
 * runtime that says what it failed of says it to the log as well.
 */
export function untoldLines(lines: readonly string[], texts: readonly string[]): readonly string[] {
  const told = new Set(texts.flatMap((text) => text.split('\n').map((line) => line.trimEnd())));
  told.delete('');
  const others = lines.filter((line) => !told.has(line.trimEnd()));
  return others.some((line) => line.trim() !== '') ? others : [];
}

const maxChars = 300;

/**
 * The first line of a reason, which is the platform's own; lines after it hold what a program said, and that is for its
 * owner alone. At most 300 characters.
 */
export function summaryLine(reason: string): string {
  const [line = ''] = reason.split(/[\r\n]/, 1);
  return line.length <= maxChars ? line : `${line.slice(0, maxChars - 1)}…`;
}

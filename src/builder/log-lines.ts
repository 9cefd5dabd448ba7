const maxLineLength = 4096;
const maxLines = 10_000;
const keptLines = 20;
// oxlint-disable-next-line no-control-regex -- what could drive the reader's terminal is what is looked for
const control = /\u001b\[[0-9;]*[A-Za-z]|[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** Makes a build's output fit for a terminal, and keeps the last lines for an error message. */
export interface LogLines {
  write(line: string): void;
  last(): readonly string[];
}

/** Lines are cut at 4,096 characters and end after 10,000 of them; one line says that the rest is left out. */
export function createLogLines(onLine: (line: string) => void): LogLines {
  const kept: string[] = [];
  let count = 0;
  return {
    write(raw) {
      const line = raw.slice(0, maxLineLength).replace(control, '');
      kept.push(line);
      if (kept.length > keptLines) kept.shift();
      count += 1;
      if (count < maxLines) onLine(line);
      else if (count === maxLines) onLine(`… more than ${maxLines} lines, the rest is left out`);
    },
    last: () => kept.filter((line) => line.trim() !== ''),
  };
}

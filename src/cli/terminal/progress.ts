import { stripControls } from '../output/printable-text.ts';
import type { Terminal } from './shell.ts';

/** What is shown while functions are built and rolled out. */
export interface Progress {
  /** What a function is going through now. */
  step(name: string, text: string): void;
  /** One line of output of that. */
  log(name: string, line: string): void;
  finish(name: string, text: string): void;
  /** Like `finish`, and shows the last lines of output where they were not shown yet. */
  fail(name: string, text: string): void;
}

/** Live lines on a terminal, plain ones anywhere else. */
export function createProgress(terminal: Terminal): Progress {
  return terminal.isTTY === true ? createLiveProgress(terminal) : createPlainProgress(terminal);
}

/** The same without the output of what is under way; a failure still shows its last lines. */
export function quietProgress(progress: Progress): Progress {
  const lines = new Map<string, string[]>();
  return {
    ...progress,
    log: (name, line) => void lines.set(name, [...(lines.get(name) ?? []), line].slice(-keptLines)),
    fail: (name, text) => {
      for (const line of lines.get(name) ?? []) progress.log(name, line);
      progress.fail(name, text);
    },
  };
}

function createPlainProgress(terminal: Terminal): Progress {
  const print = (name: string, text: string): void => void terminal.write(`${name}: ${stripControls(text)}\n`);
  return { step: print, log: print, finish: print, fail: print };
}

const keptLines = 40;

interface Activity {
  text: string;
  lines: string[];
}

/** One line per function at work, rewritten in place; what is finished moves up and stays. */
function createLiveProgress(terminal: Terminal): Progress {
  const active = new Map<string, Activity>();
  let drawn = 0;
  const erase = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\x1b[0J`);
  const redraw = (permanent: string): void => {
    // A pseudo terminal nobody gave a size says it has 0 columns.
    const width = Math.max(20, (terminal.columns || 80) - 1);
    const lines = [...active].map(([name, { text, lines }]) => fit(`${name}: ${lines.at(-1) ?? text}`, width));
    terminal.write(`${erase()}${permanent}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
  };
  const end = (name: string, text: string, shown: readonly string[]): void => {
    active.delete(name);
    redraw([...shown.map((line) => `  ${line}\n`), `${name}: ${stripControls(text)}\n`].join(''));
  };
  return {
    step: (name, text) => {
      active.set(name, { text: stripControls(text), lines: [] });
      redraw('');
    },
    log: (name, line) => {
      const activity = active.get(name);
      if (activity === undefined) return;
      activity.lines = [...activity.lines, stripControls(line)].slice(-keptLines);
      redraw('');
    },
    finish: (name, text) => end(name, text, []),
    fail: (name, text) => end(name, text, active.get(name)?.lines ?? []),
  };
}

function fit(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

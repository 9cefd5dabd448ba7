import { cpus, loadavg, totalmem } from 'node:os';

/** One line of the table: what was measured, against what it is held, and whether it holds. */
export interface Figure {
  readonly measure: string;
  readonly value: number;
  readonly unit:
    | '% of bare'
    | 'ms'
    | '× bare start'
    | 'MiB'
    | 'errors'
    | 's'
    | 'requests/s'
    | '% of 64 connections'
    | '% of without'
    | '× quiet'
    | '× of-watchdog'
    | '× SQLite'
    | 'µs';
  /** Bound of the issue; absent for figures that only inform. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

export function holds(figure: Figure): boolean {
  if (figure.atLeast !== undefined && !(figure.value >= figure.atLeast)) return false;
  return figure.atMost === undefined || figure.value <= figure.atMost;
}

/** The table for people. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const bound = figure.atLeast === undefined ? figure.atMost : figure.atLeast;
    const sign = figure.atLeast === undefined ? '≤' : '≥';
    const verdict = bound === undefined ? '' : holds(figure) ? 'yes' : 'NO';
    return `| ${figure.measure} | ${round(figure.value)} ${figure.unit} | ${bound === undefined ? '' : `${sign} ${bound}`} | ${verdict} |`;
  });
  return ['| measure | value | bound | holds |', '|---|---|---|---|', ...rows].join('\n');
}

/** The same for programs, with the machine it ran on. */
export function formatJson(figures: readonly Figure[]): string {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    // The bench itself keeps two processes busy; much more than that is a neighbour.
    loadAverage: loadavg().map((value) => Number(value.toFixed(1))),
  };
  return JSON.stringify(
    { at: new Date().toISOString(), machine, figures: figures.map((f) => ({ ...f, holds: holds(f) })) },
    null,
    2,
  );
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

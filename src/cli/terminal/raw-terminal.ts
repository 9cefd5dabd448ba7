import { spawnSync } from 'node:child_process';
import type { TerminalSize } from '../../model/exec.ts';
import type { Shell } from './shell.ts';

const plainSize = { rows: 24, columns: 80 };
const mostCells = 4096;

/** Size and type of the terminal the command line runs in; a plain one where it runs in none. */
export function terminalOf(shell: Shell): TerminalSize & { readonly type: string } {
  const type = shell.env['TERM'] ?? '';
  return { ...sizeOf(shell), type: /^[A-Za-z0-9][\w.+-]{0,63}$/.test(type) ? type : 'xterm' };
}

function sizeOf({ stdout }: Shell): TerminalSize {
  const { rows = 0, columns = 0 } = stdout;
  const bounded = (value: number, fallback: number): number => (value > 0 ? Math.min(value, mostCells) : fallback);
  return { rows: bounded(rows, plainSize.rows), columns: bounded(columns, plainSize.columns) };
}

/**
 * Hands the terminal of the command line over to a program elsewhere: every key as it is typed, Ctrl-C too, and every
 * change of its size. Where stdin is no terminal, only sizes are told.
 */
export class RawTerminal {
  readonly #shell: Shell;
  readonly #raw: boolean;
  readonly #resized: () => void;

  constructor(shell: Shell, takesKeys: boolean, onResize: (size: { readonly kind: 'resize' } & TerminalSize) => void) {
    this.#shell = shell;
    this.#raw = takesKeys && shell.stdin.isTTY === true;
    this.#resized = () => onResize({ kind: 'resize', ...sizeOf(shell) });
    if (this.#raw) {
      shell.stdin.setRawMode?.(true);
      // What Node calls raw still turns a line feed into two characters, which programs that draw do not expect. The
      // end of raw mode undoes this too. Without stty they draw a little crooked.
      spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
    }
    shell.stdout.on('resize', this.#resized);
  }

  /** Gives it back as it was. Idempotent. */
  restore(): void {
    this.#shell.stdout.off('resize', this.#resized);
    if (this.#raw && !this.#shell.stdin.destroyed) this.#shell.stdin.setRawMode?.(false);
  }
}

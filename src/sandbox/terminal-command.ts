import { TinderboxError } from '../model/errors.ts';
import { shellPath, type Tools } from './tools.ts';

interface TerminalOptions {
  /** `NAME=value` that must not reach the launcher. */
  readonly late: readonly string[];
  readonly size: { readonly rows: number; readonly columns: number };
  /** The program's own SHELL. */
  readonly shell: string | undefined;
}

/**
 * Gives a command a terminal with `script` of util-linux, run as the function's user inside its walls, so that the
 * terminal is a device of its own view and belongs to it. `script` wants its command as a line for a shell: all words are
 * quoted. New sizes come over fd 3 to a loop that is no child of the command and ends with it; `script` itself can only
 * copy the size of a terminal it is started in. Throws `unsupported`, with what to install, where there is no `script`.
 */
export function terminalCommand(tools: Tools, command: readonly string[], options: TerminalOptions): readonly string[] {
  const { late, size, shell } = options;
  if (tools.script === undefined || tools.env === undefined || tools.stty === undefined) {
    const missing = tools.script === undefined ? 'script' : tools.env === undefined ? 'env' : 'stty';
    throw new TinderboxError('unsupported', `a terminal cannot be had here: ${missing} is not installed`, {
      hint:
        missing === 'script'
          ? 'install the package with script of util-linux (bsdutils, util-linux-script, util-linux-misc), or leave out -t'
          : 'install coreutils, or leave out -t',
    });
  }
  const stty = quote(tools.stty);
  const line = [
    // Without a terminal on its own stdin, script makes one that does not echo.
    `${stty} sane rows ${size.rows} cols ${size.columns}`,
    `(while read -r r c <&3; do ${stty} rows "$r" cols "$c" </dev/tty 3<&-; done </dev/null >/dev/null 2>&1 &)`,
    shell === undefined ? 'unset SHELL' : `SHELL=${quote(shell)}`,
    `exec 3<&-`,
    `exec ${command.map(quote).join(' ')}`,
  ].join('; ');
  return [tools.env, '--', ...late, `SHELL=${shellPath}`, tools.script, '-qefc', line, '/dev/null'];
}

/** A word that every POSIX shell takes as it is. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

import type { Command } from 'commander';
import type { Shell } from './terminal/shell.ts';

/** One command: what its file exports. */
export interface CommandDefinition {
  /** Adds arguments, flags and action to a command that has its name and summary already. */
  define(command: Command, shell: Shell): void;
}

/** What is known of a command before its file is loaded. */
export interface CommandEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Takes the place of a program written in Go, whose long flags have one dash or two. */
  readonly oneDash?: boolean;
  /** `words` of the command line, where there is one: a command may load less when they tell that less is needed. */
  load(words?: readonly string[]): Promise<CommandDefinition>;
}

import { Argument, type Command } from 'commander';
import type { CommandDefinition } from './command-definition.ts';
import { formatBashCompletion } from './completion/bash.ts';
import { describeTree } from './completion/command-tree.ts';
import { formatFishCompletion } from './completion/fish.ts';
import { formatZshCompletion } from './completion/zsh.ts';
import type { Shell } from './terminal/shell.ts';

const formats = { bash: formatBashCompletion, zsh: formatZshCompletion, fish: formatFishCompletion };

export const completionCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command
      .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(Object.keys(formats)))
      .action((name: keyof typeof formats) => {
        if (command.parent !== null) shell.stdout.write(formats[name](describeTree(command.parent)));
      });
  },
};

import { Argument, type Command, Option } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { formatBashCompletion } from './completion/bash.ts';
import { describeTree } from './completion/command-tree.ts';
import { formatFishCompletion } from './completion/fish.ts';
import { formatZshCompletion } from './completion/zsh.ts';
import type { Shell } from './terminal/shell.ts';

const formats = { bash: formatBashCompletion, zsh: formatZshCompletion, fish: formatFishCompletion };
type ShellName = keyof typeof formats;

export const completionCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command
      .addArgument(new Argument('[shell]', 'bash, zsh or fish').choices(Object.keys(formats)))
      .addOption(new Option('--shell <shell>', 'the same').choices(Object.keys(formats)))
      .action((argument: ShellName | undefined, flags: { shell?: ShellName }) => {
        const name = argument ?? flags.shell;
        if (name === undefined) {
          throw new TinderboxError('invalid', 'for which shell?', { hint: 'tinderbox completion bash, zsh or fish' });
        }
        if (command.parent !== null) shell.stdout.write(formats[name](describeTree(command.parent)));
      });
  },
};

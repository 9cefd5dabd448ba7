import type { Command } from 'commander';
import type { Shell } from '../terminal/shell.ts';
import { loadStack, requireStack } from '../stack/load-stack.ts';
import { selectFunctions } from '../stack/select-functions.ts';
import type { StackFile, StackFunction } from '../stack/stack-file.ts';

/** Values of the flags of commands that read a stack file. */
export interface StackFlags {
  readonly yaml?: string;
  readonly filter?: string;
  readonly regex?: string;
  readonly envsubst?: boolean;
}

export function addStackFlags(command: Command): Command {
  return addYamlFlag(command)
    .option('--filter <pattern>', 'only functions whose name fits, with * and ?')
    .option('--regex <expression>', 'only functions whose name fits the regular expression');
}

/** For commands that read a stack file whole. */
export function addYamlFlag(command: Command): Command {
  return command
    .option('-f, --yaml <file>', 'stack file, or its http(s) address (stack.yaml or stack.yml, where there is one)')
    .option('--no-envsubst', 'leave ${VAR} in the stack file as it is');
}

/** The stack file and the functions of it that the flags choose. */
export async function loadSelection(
  shell: Shell,
  flags: StackFlags,
): Promise<{ readonly stack: StackFile; readonly functions: readonly StackFunction[] }> {
  const stack = await requireStack(shell, flags.yaml, flags.envsubst);
  return { stack, functions: selectFunctions(stack, flags) };
}

/** Gateway of the stack file, where there is one; as with faas-cli, flags that choose none of its functions are an error. */
export async function loadStackGateway(shell: Shell, flags: StackFlags): Promise<string | undefined> {
  const stack = await loadStack(shell, flags.yaml, flags.envsubst);
  if (stack !== undefined) selectFunctions(stack, flags);
  return stack?.gateway;
}

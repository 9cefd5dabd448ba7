import type { Command } from 'commander';

/** A command as a completion script needs it. */
export interface CommandNode {
  /** Words after the program's name: `secret create`; empty for the program itself. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly flags: readonly FlagNode[];
  readonly children: readonly CommandNode[];
}

export interface FlagNode {
  readonly long: string;
  readonly short: string | undefined;
  readonly summary: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** Reads the tree out of a program whose commands are all defined. */
export function describeTree(program: Command): CommandNode {
  return describeCommand(program, []);
}

/** A node and all below it. */
export function flattenTree(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.children.flatMap(flattenTree)];
}

function describeCommand(command: Command, path: readonly string[]): CommandNode {
  return {
    path,
    summary: command.description(),
    flags: command.options.flatMap((option) =>
      option.long === undefined || option.hidden
        ? []
        : [
            {
              long: option.long ?? '',
              short: option.short ?? undefined,
              summary: option.description,
              takesValue: option.required || option.optional,
              choices: option.argChoices ?? [],
            },
          ],
    ),
    children: command.commands.map((child) => describeCommand(child, [...path, child.name()])),
  };
}

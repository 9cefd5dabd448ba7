import { type CommandNode, flattenTree, type FlagNode } from './command-tree.ts';

/** A completion script for fish; `tinderbox completion fish | source`. */
export function formatFishCompletion(tree: CommandNode): string {
  const lines = flattenTree(tree).flatMap((node) => [...childLines(node), ...node.flags.map((f) => flagLine(node, f))]);
  return `# fish completion of tinderbox\n${lines.join('\n')}\n`;
}

function childLines(node: CommandNode): readonly string[] {
  return node.children.map((child) => {
    const none = node.children.map((sibling) => sibling.path.at(-1)).join(' ');
    const condition =
      node.path.length === 0 ? '__fish_use_subcommand' : `${seen(node)}; and not __fish_seen_subcommand_from ${none}`;
    return `complete -c tinderbox -f -n ${quote(condition)} -a ${quote(child.path.at(-1) ?? '')} -d ${quote(child.summary)}`;
  });
}

function flagLine(node: CommandNode, flag: FlagNode): string {
  const short = flag.short === undefined ? '' : ` -s ${quote(flag.short.slice(1))}`;
  const value = flag.choices.length > 0 ? ` -x -a ${quote(flag.choices.join(' '))}` : flag.takesValue ? ' -r' : '';
  const condition = node.path.length === 0 ? '__fish_use_subcommand' : seen(node);
  return `complete -c tinderbox -n ${quote(condition)} -l ${quote(flag.long.slice(2))}${short}${value} -d ${quote(flag.summary)}`;
}

function seen(node: CommandNode): string {
  return node.path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

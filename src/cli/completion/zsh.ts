import { type CommandNode, flattenTree, type FlagNode } from './command-tree.ts';

/** A completion script for zsh; `source <(tinderbox completion zsh)`. */
export function formatZshCompletion(tree: CommandNode): string {
  const functions = flattenTree(tree).map((node) => (node.children.length > 0 ? formatGroup(node) : formatLeaf(node)));
  return `#compdef tinderbox\n# zsh completion of tinderbox\n${functions.join('\n')}\ncompdef _tinderbox tinderbox\n`;
}

function formatGroup(node: CommandNode): string {
  const listed = node.children.map((child) => quote(`${escape(child.path.at(-1) ?? '')}:${escape(child.summary)}`));
  const calls = node.children.map((child) => `        ${child.path.at(-1)}) ${functionName(child)} ;;`);
  return `${functionName(node)}() {
  local line state commands
  commands=(${listed.join(' ')})
  _arguments -C '--help[show help]' '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
${calls.join('\n')}
      esac ;;
  esac
}`;
}

function formatLeaf(node: CommandNode): string {
  const flags = node.flags.flatMap(formatFlag);
  return `${functionName(node)}() {
  _arguments ${["'--help[show help]'", ...flags, "'*:file:_files'"].join(' ')}
}`;
}

function formatFlag(flag: FlagNode): readonly string[] {
  const value = flag.choices.length > 0 ? `:value:(${flag.choices.join(' ')})` : ':value:_files';
  const rest = `[${escape(flag.summary)}]${flag.takesValue ? value : ''}`;
  return [flag.long, ...(flag.short === undefined ? [] : [flag.short])].map((name) => quote(`*${name}${rest}`));
}

function functionName(node: CommandNode): string {
  return ['_tinderbox', ...node.path].join('_');
}

/** Colons and brackets mean something inside a specification. */
function escape(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

import { type CommandNode, flattenTree } from './command-tree.ts';

/** A completion script for bash 4 and later; `source <(tinderbox completion bash)`. */
export function formatBashCompletion(tree: CommandNode): string {
  const commands = flattenTree(tree);
  const cases = commands.map((node) => {
    const words = [...node.children.map((child) => child.path.at(-1) ?? ''), ...flagWords(node)];
    return `    ${quote(node.path.join(' '))}) words=${quote(words.join(' '))} ;;`;
  });
  const paths = commands.filter((node) => node.path.length > 0).map((node) => quote(node.path.join(' ')));
  const valued = [...new Set(commands.flatMap((node) => valueFlags(node)))].map(quote);
  return `# bash completion of tinderbox
_tinderbox() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path='' words='' word candidate index
  COMPREPLY=()
  case $previous in
    ${[...valued, "'-'"].join('|')}) compopt -o default; return ;;
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    candidate=\${path:+$path }$word
    case $candidate in
      ${paths.join('|')}) path=$candidate ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if ((\${#COMPREPLY[@]} == 0)); then compopt -o default; fi
}
complete -F _tinderbox tinderbox
`;
}

function flagWords(node: CommandNode): readonly string[] {
  return [...node.flags.map((flag) => flag.long), '--help'];
}

function valueFlags(node: CommandNode): readonly string[] {
  return node.flags
    .filter((flag) => flag.takesValue)
    .flatMap((flag) => [flag.long, ...(flag.short ? [flag.short] : [])]);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

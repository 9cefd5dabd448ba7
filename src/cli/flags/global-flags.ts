import { type Command, Option } from 'commander';

/** The flags that faas-cli takes with, and before, every command; each has a value. */
const globals: Readonly<Record<string, string>> = { '--yaml': '-f', '--filter': '', '--regex': '' };

/** Commands of faas-cli that, themselves or some below them, read no stack file and take its flags all the same. */
const withoutStack: readonly string[] = [
  'new',
  'store',
  'template',
  'login',
  'logout',
  'registry-login',
  'plugin',
  'completion',
  'secret',
];

/** Lets a command that reads no stack file, and all below it, take the flags that name one; they change nothing. */
export function takeGlobalFlags(command: Command): void {
  if (withoutStack.includes(command.name())) addUnused(command);
}

function addUnused(command: Command): void {
  const known = command.options.flatMap((option) => [option.long, option.short]);
  for (const [long, short] of Object.entries(globals)) {
    const words = short === '' || known.includes(short) ? long : `${short}, ${long}`;
    if (!known.includes(long)) command.addOption(new Option(`${words} <value>`).hideHelp());
  }
  for (const child of command.commands) addUnused(child);
}

/** `-f stack.yaml deploy` → `deploy -f stack.yaml`; anything else stays as it is. */
export function commandFirst(words: readonly string[]): readonly string[] {
  const flags = new Set([...Object.keys(globals), ...Object.values(globals)].filter((flag) => flag !== ''));
  let at = 0;
  while (at < words.length && flags.has(flagOf(words[at]))) at += words[at]?.includes('=') === true ? 1 : 2;
  const name = words[at];
  return name === undefined || name.startsWith('-') ? words : [name, ...words.slice(0, at), ...words.slice(at + 1)];
}

/**
 * `store -u URL list` → `store list -u URL`: flags between the names of commands belong to the last of them, as with
 * faas-cli. What is no flag of any of them is left for commander to refuse.
 */
export function namesFirst(words: readonly string[], program: Command): readonly string[] {
  const names: string[] = [];
  const flags: string[] = [];
  let [node, at]: [Command | undefined, number] = [program, 0];
  while (node !== undefined && node.commands.length > 0 && at < words.length) {
    const word = words[at] ?? '';
    const child: Command | undefined = node.commands.find(
      (each) => each.name() === word || each.aliases().includes(word),
    );
    const option = child === undefined ? optionBelow(node, flagOf(word)) : undefined;
    if (child === undefined && option === undefined) break;
    const takesNext = option !== undefined && (option.required || option.optional) && !word.includes('=');
    const taken = words.slice(at, at + (takesNext ? 2 : 1));
    (child === undefined ? flags : names).push(...taken);
    at += taken.length;
    node = child ?? node;
  }
  return [...names, ...flags, ...words.slice(at)];
}

function optionBelow(command: Command, flag: string): Option | undefined {
  if (!flag.startsWith('-')) return undefined;
  const below = command.commands.flatMap((child) => [...child.options, optionBelow(child, flag)]);
  return below.find((option) => option?.long === flag || option?.short === flag);
}

function flagOf(word = ''): string {
  return word.split('=', 1)[0] ?? '';
}

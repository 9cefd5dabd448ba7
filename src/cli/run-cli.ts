import { Command, CommanderError } from 'commander';
import type { CommandEntry } from './command-definition.ts';
import { commands } from './commands.ts';
import { plainBooleans } from './flags/boolean-words.ts';
import { commandFirst, namesFirst, takeGlobalFlags } from './flags/global-flags.ts';
import { twoDashes } from './flags/one-dash.ts';
import { findPlugin } from './plugin/find-plugin.ts';
import { runPlugin } from './plugin/run-plugin.ts';
import { printError } from './terminal/print-error.ts';
import type { Shell } from './terminal/shell.ts';

const usageExitCode = 2;

/** Runs one command line (without `node` and script) to its end and resolves with the exit code; never rejects. */
export async function runCli(argv: readonly string[], shell: Shell): Promise<number> {
  try {
    const given = /^(-V|--version)$/.test(argv[0] ?? '') ? ['version', '--short'] : commandFirst(argv);
    const words = entryOf(given[0])?.oneDash === true ? twoDashes(given) : given;
    const plugin = await pluginOf(words, shell);
    if (plugin !== undefined) return await runPlugin(shell, plugin, words.slice(1));
    let exitCode = 0;
    const exitWith = (code: number): void => {
      exitCode = code;
    };
    const program = await createProgram(words, { ...shell, exitWith });
    await program.parseAsync([...namesFirst(plainBooleans(words, program), program)], { from: 'user' });
    return exitCode;
  } catch (reason) {
    if (reason instanceof CommanderError) return reason.exitCode === 0 ? 0 : usageExitCode;
    return shell.signal.aborted ? interruptedExitCode : printError(shell, reason);
  }
}

const interruptedExitCode = 130;

/** A word that is no command may be a plugin of faas-cli's. */
async function pluginOf([name = '']: readonly string[], shell: Shell): Promise<string | undefined> {
  return name === 'help' || entryOf(name) !== undefined ? undefined : findPlugin(shell, name);
}

function entryOf(name = ''): CommandEntry | undefined {
  return commands.find((entry) => entry.name === name || entry.aliases?.includes(name) === true);
}

/** commander must neither end the process nor write past the shell; its subcommands inherit that. */
async function createProgram(argv: readonly string[], shell: Shell): Promise<Command> {
  const program = new Command('tinderbox');
  program
    .description('Functions as a service on your own machines')
    .helpCommand('help [command]', 'show help for a command')
    .option('-V, --version', 'print the version')
    .showHelpAfterError('hint: tinderbox help lists the commands, tinderbox help COMMAND its arguments')
    // The version of a plugin is not that of this program.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.stdout.write(text),
      writeErr: (text) => shell.stderr.write(text),
      getOutHelpWidth: () => shell.stdout.columns ?? 100,
      getErrHelpWidth: () => shell.stderr.columns ?? 100,
    });
  const wanted = wantedEntries(argv);
  for (const entry of commands) {
    const command = program
      .command(entry.name)
      .description(entry.summary)
      .aliases([...(entry.aliases ?? [])]);
    if (!wanted.includes(entry)) continue;
    (await entry.load(argv)).define(command, shell);
    takeGlobalFlags(command);
  }
  return program;
}

/** The commands whose flags are needed: the one called, or all of them to complete. */
function wantedEntries(argv: readonly string[]): readonly CommandEntry[] {
  const [first, second] = argv.filter((word) => !word.startsWith('-'));
  if (first === 'completion') return commands;
  const entry = entryOf(first === 'help' ? second : first);
  return entry === undefined ? [] : [entry];
}

import { once } from 'node:events';
import { constants } from 'node:os';
import type { Command } from 'commander';
import type { RemoteExec } from '../client/exec.ts';
import { TinderboxError } from '../model/errors.ts';
import { type ExecCommand, exitCodeOf } from '../model/exec.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { functionData } from './connection/function-data.ts';
import { parseAddress } from './flags/function-address.ts';
import { addYamlFlag, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { RawTerminal, terminalOf } from './terminal/raw-terminal.ts';
import type { Shell } from './terminal/shell.ts';

interface ExecFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
  readonly instance?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

export const execCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addNamespaceFlag(addConnectionFlags(addYamlFlag(command)))
      .argument('<function>', 'function; one that sleeps is woken')
      .argument('<command...>', 'program and arguments, after --')
      .option('-i, --stdin', 'pass stdin on to the program')
      .option('-t, --tty', 'give the program a terminal')
      .option('--instance <id>', 'run it beside this instance (any ready one)')
      .action((name: string, words: string[], flags: ExecFlags) => exec(shell, name, words, flags));
  },
};

async function exec(shell: Shell, name: string, words: readonly string[], flags: ExecFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const address = parseAddress(name, flags.namespace);
  const target = { ...address, ...(flags.instance === undefined ? {} : { instance: flags.instance }) };
  const command: ExecCommand = {
    command: words,
    stdin: flags.stdin === true,
    ...(flags.tty === true ? { terminal: terminalOf(shell) } : {}),
  };
  const session = await functionData(client, address, await client.exec.open(target, command));
  const terminal = flags.tty === true ? new RawTerminal(shell, command.stdin, (size) => session.send(size)) : undefined;
  const interrupted = (): void => {
    // In a terminal Ctrl-C is a byte like any other: what comes as a signal is somebody who wants us to end.
    if (terminal === undefined) session.send({ kind: 'signal', signal: 'SIGINT' });
    else session.close();
  };
  shell.signal.addEventListener('abort', interrupted, { once: true });
  if (shell.signal.aborted) interrupted();
  try {
    if (command.stdin) void sendInput(shell, session);
    await showOutput(shell, session);
  } finally {
    shell.signal.removeEventListener('abort', interrupted);
    terminal?.restore();
    session.close();
  }
}

/** Ends with the stdin or with the session, whatever is first; neither is a failure of the command. */
async function sendInput(shell: Shell, session: RemoteExec): Promise<void> {
  try {
    for await (const chunk of shell.stdin) await session.write(Buffer.from(chunk as Uint8Array));
  } catch {
    // Ctrl-C closes it.
  }
  session.send({ kind: 'stdin-end' });
}

async function showOutput(shell: Shell, session: RemoteExec): Promise<void> {
  for await (const frame of session.output) {
    if (frame.kind === 'exit') shell.exitWith?.(exitCodeOf(frame, constants.signals));
    else if (frame.kind === 'error') {
      const { code, message, hint } = frame;
      throw new TinderboxError(code, message, hint === undefined ? {} : { hint });
    } else {
      const to = frame.kind === 'stdout' ? shell.stdout : shell.stderr;
      if (!to.write(frame.data)) await once(to, 'drain');
    }
  }
}

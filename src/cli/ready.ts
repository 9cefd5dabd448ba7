import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Client } from '../client/client.ts';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { unknownFunctionHint } from './connection/function-data.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { parseDuration, parseInteger } from './flags/collect.ts';
import { type FunctionAddress, parseAddress } from './flags/function-address.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import type { Shell } from './terminal/shell.ts';

interface ReadyFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
  readonly attempts: number;
  readonly interval: number;
}

export const readyCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addNamespaceFlag(addConnectionFlags(addStackFlags(command)))
      .argument('[name]', 'function, or NAME.NAMESPACE; without one: the platform')
      .option('--attempts <count>', 'how often to look', parseInteger('--attempts', 1), 60)
      .option('--interval <duration>', 'time between two looks', parseDuration('--interval'), 1000)
      .action((name: string | undefined, flags: ReadyFlags) => waitUntilReady(shell, name, flags));
  },
};

async function waitUntilReady(shell: Shell, name: string | undefined, flags: ReadyFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const what = name === undefined ? `platform ${client.gateway}` : `function ${name}`;
  const look = name === undefined ? platformProblem : functionProblem(parseAddress(name, flags.namespace));
  for (let attempt = 1; ; attempt++) {
    shell.stdout.write(`[${attempt}/${flags.attempts}] Waiting for ${what}\n`);
    const problem = await look(client);
    if (problem === undefined) break;
    if (attempt >= flags.attempts) {
      throw new TinderboxError('deadline', `${what} is not ready after ${attempt} attempts: ${problem.message}`, {
        hint: await problem.hint(),
      });
    }
    await delay(flags.interval, undefined, { signal: shell.signal });
  }
  shell.stdout.write(`${what} is ready\n`);
}

interface Problem {
  readonly message: string;
  /** Asked for only when no look is left. */
  readonly hint: () => Promise<string>;
}

async function platformProblem(client: Client): Promise<Problem | undefined> {
  const answered = await client.health.check();
  if (answered.ok) return undefined;
  return { message: answered.error.message, hint: async () => 'is it running? start it with: tinderbox up' };
}

/** A wrong password does not get right by waiting; everything else may. */
function functionProblem(address: FunctionAddress) {
  const { name, namespace } = address;
  return async (client: Client): Promise<Problem | undefined> => {
    const found = await client.functions.get(name, namespace);
    if (!found.ok && ['unauthenticated', 'forbidden'].includes(found.error.code)) throw found.error;
    const describe = `tinderbox describe ${name}`;
    if (!found.ok) {
      const { code, message } = found.error;
      const missing = async () => (code === 'not-found' ? await unknownFunctionHint(client, address) : undefined);
      return { message, hint: async () => (await missing()) ?? describe };
    }
    if ((found.data.availableReplicas ?? 0) > 0) return undefined;
    if (found.data.replicas === 0) {
      const wake = `the next call wakes it, as does: tinderbox scale ${name} 1`;
      return { message: 'it sleeps, scaled to zero', hint: async () => wake };
    }
    return { message: 'it has no replica that takes calls', hint: async () => describe };
  };
}

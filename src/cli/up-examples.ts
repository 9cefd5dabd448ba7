import { join } from 'node:path';
import { Command } from 'commander';
import { dataOf } from '../client/result.ts';
import type { Config } from '../config/config.ts';
import { TinderboxError } from '../model/errors.ts';
import { connect } from './connection/connect.ts';
import { deployCommand } from './deploy.ts';
import { packageRoot } from './package-root.ts';
import { loadStack } from './stack/load-stack.ts';
import type { Shell } from './terminal/shell.ts';

/** An example that was deployed, with the line that calls it. */
export interface Example {
  readonly name: string;
  readonly curl: string;
}

/** Marks an example; its value are the arguments for curl, beside the address. */
const exampleAnnotation = 'com.tinderbox.example';

/**
 * Deploys the examples as `tinderbox deploy` does. One that cannot run here says why, and the platform stays up. What
 * somebody deployed in the place of one stays, and is not called an example.
 */
export async function deployExamples(shell: Shell, config: Config, url: string): Promise<readonly Example[]> {
  const file = join(packageRoot, 'examples', 'stack.yaml');
  const local: Shell = { ...shell, env: { ...shell.env, TINDERBOX_DATA_DIR: config.stateDir, OPENFAAS_URL: url } };
  const stack = await loadStack(local, file, true);
  const taken = await findTaken(local, url);
  const examples = (stack?.functions ?? []).filter(({ name }) => !taken.has(name));
  if (examples.length === 0) return [];
  const command = new Command('deploy').exitOverride();
  deployCommand.define(command, local);
  const names = `^(${examples.map(({ name }) => name).join('|')})$`;
  try {
    await command.parseAsync(['-f', file, '-g', url, '--regex', names], { from: 'user' });
  } catch (reason) {
    shell.stderr.write(`some examples are not there: ${TinderboxError.from(reason).message}\n`);
  }
  return examples.map(({ name, annotations }) => ({
    name,
    curl: ['curl', annotations[exampleAnnotation] ?? '', `${url}/function/${name}`]
      .filter((word) => word !== '')
      .join(' '),
  }));
}

/** Names of functions that are not examples. */
async function findTaken(shell: Shell, url: string): Promise<ReadonlySet<string>> {
  const client = await connect(shell, { gateway: url });
  const own = dataOf(await client.functions.list()).filter((fn) => fn.annotations?.[exampleAnnotation] === undefined);
  return new Set(own.map(({ name }) => name));
}

export function formatExamples(examples: readonly Example[]): string {
  if (examples.length === 0) return '\nCtrl-C stops.\n';
  return ['', 'Call the examples:', ...examples.map(({ curl }) => `  ${curl}`), '', 'Ctrl-C stops.', ''].join('\n');
}

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
 * Deploys the examples that are not there yet, as `tinderbox deploy` does. One that cannot run here says why, and the
 * platform stays up. One that is there stays as it was made since; what somebody deployed in the place of one is not called
 * an example.
 */
export async function deployExamples(shell: Shell, config: Config, url: string): Promise<readonly Example[]> {
  const file = join(packageRoot, 'examples', 'stack.yaml');
  const local: Shell = { ...shell, env: { ...shell.env, TINDERBOX_DATA_DIR: config.stateDir, OPENFAAS_URL: url } };
  const stack = await loadStack(local, file, true);
  const there = await findFunctions(local, url);
  const examples = (stack?.functions ?? []).filter(({ name }) => there.get(name) !== 'other');
  const missing = examples.filter(({ name }) => !there.has(name));
  if (missing.length > 0) await deployMissing(local, { file, url, names: missing.map(({ name }) => name) });
  return examples.map(({ name, annotations }) => ({
    name,
    curl: ['curl', annotations[exampleAnnotation] ?? '', `${url}/function/${name}`]
      .filter((word) => word !== '')
      .join(' '),
  }));
}

interface Missing {
  /** The stack file, and which of its functions. */
  readonly file: string;
  readonly names: readonly string[];
  readonly url: string;
}

async function deployMissing(shell: Shell, { file, names, url }: Missing): Promise<void> {
  const command = new Command('deploy').exitOverride();
  deployCommand.define(command, shell);
  try {
    await command.parseAsync(['-f', file, '-g', url, '--regex', `^(${names.join('|')})$`], { from: 'user' });
  } catch (reason) {
    shell.stderr.write(`some examples are not there: ${TinderboxError.from(reason).message}\n`);
  }
}

/** What stands under which name: an example, or something else. */
async function findFunctions(shell: Shell, url: string): Promise<ReadonlyMap<string, 'example' | 'other'>> {
  const client = await connect(shell, { gateway: url });
  const kindOf = (annotations: Readonly<Record<string, string>> | undefined): 'example' | 'other' =>
    annotations?.[exampleAnnotation] === undefined ? 'other' : 'example';
  return new Map(dataOf(await client.functions.list()).map((fn) => [fn.name, kindOf(fn.annotations)]));
}

export function formatExamples(examples: readonly Example[]): string {
  if (examples.length === 0) return '\nCtrl-C stops.\n';
  return ['', 'Call the examples:', ...examples.map(({ curl }) => `  ${curl}`), '', 'Ctrl-C stops.', ''].join('\n');
}

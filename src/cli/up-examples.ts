import { join } from 'node:path';
import { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { TinderboxError } from '../model/errors.ts';
import { deployCommand } from './deploy.ts';
import { packageRoot } from './package-root.ts';
import { loadStack } from './stack/load-stack.ts';
import type { Shell } from './terminal/shell.ts';

/** An example that was deployed, with the line that calls it. */
export interface Example {
  readonly name: string;
  readonly curl: string;
}

/** Arguments for curl of an example, beside its address. */
const exampleAnnotation = 'com.tinderbox.example';

/** Deploys the examples as `tinderbox deploy` does. One that cannot run here says why, and the platform stays up. */
export async function deployExamples(shell: Shell, config: Config, url: string): Promise<readonly Example[]> {
  const file = join(packageRoot, 'examples', 'stack.yaml');
  const local: Shell = { ...shell, env: { ...shell.env, TINDERBOX_DATA_DIR: config.stateDir, OPENFAAS_URL: url } };
  const stack = await loadStack(local, file, true);
  const command = new Command('deploy').exitOverride();
  deployCommand.define(command, local);
  try {
    await command.parseAsync(['-f', file, '-g', url], { from: 'user' });
  } catch (reason) {
    shell.stderr.write(`some examples are not there: ${TinderboxError.from(reason).message}\n`);
  }
  return (stack?.functions ?? []).map(({ name, annotations }) => ({
    name,
    curl: ['curl', annotations[exampleAnnotation] ?? '', `${url}/function/${name}`]
      .filter((word) => word !== '')
      .join(' '),
  }));
}

export function formatExamples(examples: readonly Example[]): string {
  return ['', 'Call the examples:', ...examples.map(({ curl }) => `  ${curl}`), '', 'Ctrl-C stops.', ''].join('\n');
}

import type { Client } from '../../client/client.ts';
import type { DeployMode, FunctionDeployment } from '../../client/functions.ts';
import { dataOf } from '../../client/result.ts';
import { defaultNamespace } from '../../model/names.ts';
import { functionUrl } from '../flags/function-address.ts';
import { applyTriggers, assertTriggersFree, type DeclaredTriggers, declaredTriggers } from './apply-triggers.ts';
import type { StackTrigger } from '../stack/stack-file.ts';
import type { Progress } from '../terminal/progress.ts';
import type { Shell } from '../terminal/shell.ts';
import { buildOne, seconds, throwFailures } from './build-functions.ts';
import type { BuildTarget } from './build-target.ts';
import { followRollout } from './follow-rollout.ts';
import { inParallel } from './in-parallel.ts';
import { createPlatformBuilder } from './platform-builder.ts';

export interface RolloutOptions {
  /** How long to wait until each is ready; 0: not at all. */
  readonly timeoutMs: number;
  readonly parallel: number;
  readonly progress: Progress;
  /** What becomes of a function that is there; default `update`. */
  readonly mode?: DeployMode;
}

/** A function to be deployed, and its source where it is to be built first. */
export interface Rollout {
  readonly deployment: FunctionDeployment;
  readonly target?: BuildTarget;
  /** Of its stack file, applied once the function is accepted; absent: there is no such file, triggers stay as they are. */
  readonly triggers?: readonly StackTrigger[];
}

/**
 * Builds and deploys each and waits until it takes calls; then prints their addresses. One that fails stops no other;
 * what failed is thrown after all have ended.
 */
export async function deployFunctions(
  shell: Shell,
  client: Client,
  rollouts: readonly Rollout[],
  options: RolloutOptions,
): Promise<void> {
  const declared = declaredTriggers(rollouts);
  const results = await inParallel(rollouts, options.parallel, async (rollout) => {
    const { target } = rollout;
    if (target !== undefined) await buildOne(createPlatformBuilder(client), target, options.progress);
    return deployOne(shell, client, rollout, declared, options);
  });
  // Only now: a line on stdout would break the live ones on the same terminal.
  for (const result of results) if (result.status === 'fulfilled') shell.stdout.write(`URL: ${result.value}\n`);
  throwFailures(
    rollouts.map(({ deployment }) => deployment.service),
    results,
  );
}

async function deployOne(
  shell: Shell,
  client: Client,
  { deployment, triggers }: Rollout,
  declared: DeclaredTriggers,
  { timeoutMs, progress, mode }: RolloutOptions,
): Promise<string> {
  const { service: name, namespace = defaultNamespace } = deployment;
  const startedMs = performance.now();
  let failure = 'not deployed';
  try {
    if (triggers !== undefined) await assertTriggersFree(client.triggers, { name, namespace }, triggers, declared);
    progress.step(name, `deploying ${deployment.image}`);
    dataOf(await client.functions.deploy(deployment, mode));
    if (triggers !== undefined) {
      failure = 'deployed without all of its triggers';
      const gone = await applyTriggers(client.triggers, { name, namespace }, triggers, declared);
      for (const each of gone) progress.step(name, `deleted trigger ${each}, which is not in the stack file any more`);
    }
    failure = 'not deployed';
    if (timeoutMs === 0) {
      progress.finish(name, 'accepted');
    } else {
      const revision = await followRollout(client, { name, namespace }, timeoutMs, shell.signal);
      progress.finish(name, `${revision.id} is ready, ${seconds(startedMs)}`);
    }
  } catch (reason) {
    progress.fail(name, failure);
    throw reason;
  }
  return functionUrl(client.gateway, { name, namespace });
}

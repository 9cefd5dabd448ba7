import type { Command } from 'commander';
import { dataOf } from '../client/result.ts';
import type { Client } from '../client/client.ts';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, connect, type ConnectionFlags } from './connection/connect.ts';
import { addStackFlags, type StackFlags } from './flags/stack-flags.ts';
import { addParallelFlag, addTagFlag, type BuildFlags } from './rollout/build-flags.ts';
import { imageName } from './rollout/build-target.ts';
import { loadProject } from './rollout/load-project.ts';
import type { Shell } from './terminal/shell.ts';

type PushFlags = ConnectionFlags & StackFlags & Pick<BuildFlags, 'tag' | 'parallel' | 'quiet'>;

export const pushCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addParallelFlag(addTagFlag(addConnectionFlags(addStackFlags(command))))
      .option('--quiet', 'say nothing but what is missing')
      .action((flags: PushFlags) => push(shell, flags));
  },
};

async function push(shell: Shell, flags: PushFlags): Promise<void> {
  const project = await loadProject(shell, { ...flags, disableStackPull: true });
  const client = await connect(shell, flags, project.gateway);
  const images = project.functions.filter((fn) => !fn.skipBuild).map((fn) => imageName(fn.image ?? fn.name));
  await assertPushed(shell, client, images, flags.quiet === true);
}

/** A build here leaves its image on the platform, so there is nothing to send: what is there is told, what is not refused. */
export async function assertPushed(
  shell: Shell,
  client: Client,
  images: readonly string[],
  quiet: boolean,
): Promise<void> {
  const there = new Map(dataOf(await client.images.list()).map(({ image, digest }) => [image, digest]));
  const missing = images.filter((image) => !there.has(image));
  if (missing.length > 0) {
    throw new TinderboxError('not-found', `not on ${client.gateway}: ${missing.join(', ')}`, {
      hint: 'build first: tinderbox build',
    });
  }
  if (quiet) return;
  for (const image of images) shell.stdout.write(`${image} is on ${client.gateway} as ${there.get(image)}\n`);
}

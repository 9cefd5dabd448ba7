import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import type { Shell } from '../terminal/shell.ts';

const pluginName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Where plugins are, shared with faas-cli. */
export function pluginFolder({ home }: Pick<Shell, 'home'>): string {
  return join(home, '.openfaas', 'plugins');
}

/** Throws `invalid` for what cannot be a plugin's name. */
export function assertPluginName(name: string): void {
  if (name.length <= 63 && pluginName.test(name)) return;
  throw new TinderboxError(
    'invalid',
    `plugin name "${name.slice(0, 100)}" is not valid: it must match ${pluginName.source}`,
  );
}

/** The program of a plugin that is there; a word that is no name belongs to none. */
export async function findPlugin(shell: Pick<Shell, 'home'>, name: string): Promise<string | undefined> {
  if (!pluginName.test(name)) return undefined;
  const file = join(pluginFolder(shell), name);
  return access(file, constants.X_OK).then(
    () => file,
    () => undefined,
  );
}

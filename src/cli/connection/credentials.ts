import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Credentials } from '../../client/connection.ts';
import { readConfigFile } from '../../config/config-file.ts';
import { resolveConfig } from '../../config/resolve-config.ts';
import type { Shell } from '../terminal/shell.ts';
import { authFilePath, readSavedLogin } from './auth-file.ts';
import { isLoopback } from './gateway.ts';

/**
 * Who the CLI is: the login saved for the gateway, else, for a platform on this machine, the user and password its
 * configuration gives or it made at first start in its data folder. Undefined where neither is there or readable.
 */
export async function findCredentials(
  shell: Shell,
  gateway: string,
  dataDir: string | undefined,
): Promise<Credentials | undefined> {
  const saved = await readSavedLogin(authFilePath(shell), gateway);
  if (saved !== undefined || !isLoopback(gateway)) return saved;
  const config = resolveConfig({
    flags: dataDir === undefined ? {} : { stateDir: resolve(shell.cwd, dataDir) },
    env: shell.env,
    file: (await readConfigFile(join(shell.cwd, 'tinderbox.yaml'), false)).values,
    buildEnv: {},
    home: shell.home,
    uid: process.getuid?.() ?? -1,
  });
  const password = config.password ?? (await readPassword(join(config.stateDir, 'password')));
  return password === undefined ? undefined : { user: config.user, password };
}

async function readPassword(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    return undefined;
  }
}

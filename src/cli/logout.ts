import type { Command } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { authFilePath, forgetLogin } from './connection/auth-file.ts';
import { resolveGateway } from './connection/gateway.ts';
import type { Shell } from './terminal/shell.ts';

export const logoutCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command
      .option('-g, --gateway <url>', 'address of the platform (OPENFAAS_URL, or http://127.0.0.1:8080)')
      .action((flags: { gateway?: string }) => logout(shell, flags.gateway));
  },
};

async function logout(shell: Shell, flag: string | undefined): Promise<void> {
  const gateway = resolveGateway({ flag, env: shell.env['OPENFAAS_URL'] });
  if (!(await forgetLogin(authFilePath(shell), gateway))) {
    throw new TinderboxError('not-found', `no login is saved for ${gateway}`);
  }
  shell.stdout.write(`Removed the login of ${gateway}.\n`);
}

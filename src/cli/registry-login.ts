import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import type { Shell } from './terminal/shell.ts';

interface RegistryFlags {
  readonly server: string;
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
  readonly ecr?: boolean;
  readonly accountId?: string;
  readonly region?: string;
}

export const registryLoginCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command
      .option('--server <url>', 'address of the registry', 'https://index.docker.io/v1/')
      .option('-u, --username <name>', 'user')
      .option('--password <text>', 'password; other users of the machine can see it in the process list')
      .option('-s, --password-stdin', 'read the password from stdin')
      .option('--ecr', 'use the credential helper of Amazon ECR; needs --account-id and --region')
      .option('--account-id <id>', 'AWS account')
      .option('--region <name>', 'AWS region')
      .action((flags: RegistryFlags) => writeRegistryFile(shell, flags));
  },
};

/** Writes `./credentials/config.json` in Docker's format, readable by the user alone. Nothing is sent anywhere. */
async function writeRegistryFile(shell: Shell, flags: RegistryFlags): Promise<void> {
  const content = flags.ecr === true ? ecrFile(flags) : await basicFile(shell, flags);
  const folder = join(shell.cwd, 'credentials');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'config.json');
  const fresh = `${file}.${process.pid}.tmp`;
  await writeFile(fresh, `${JSON.stringify(content, null, 1)}\n`, { mode: 0o600 });
  await rename(fresh, file);
  shell.stdout.write('Wrote ./credentials/config.json..OK\n');
}

function ecrFile({ accountId, region }: RegistryFlags): object {
  if (accountId === undefined || region === undefined) {
    throw new TinderboxError('invalid', '--ecr needs --account-id and --region');
  }
  if (!/^\d{12}$/.test(accountId)) {
    throw new TinderboxError('invalid', `--account-id "${accountId}" is not an AWS account, which has 12 digits`);
  }
  const server = `${accountId}.dkr.ecr.${region}.amazonaws.com`;
  return { credsStore: 'ecr-login', credHelpers: { [server]: 'ecr-login' } };
}

async function basicFile(shell: Shell, flags: RegistryFlags): Promise<object> {
  if (flags.password !== undefined && flags.passwordStdin === true) {
    throw new TinderboxError('invalid', '--password and --password-stdin exclude each other');
  }
  const password = flags.passwordStdin === true ? (await text(shell.stdin)).trim() : flags.password;
  if (flags.username === undefined || password === undefined || password === '') {
    throw new TinderboxError('invalid', 'both --username and a password are needed', {
      hint: 'tinderbox registry-login --server URL --username USER --password-stdin < FILE',
    });
  }
  const auth = Buffer.from(`${flags.username}:${password}`).toString('base64');
  return { auths: { [flags.server]: { auth } } };
}

import type { Command } from 'commander';
import { text } from 'node:stream/consumers';
import { createClient } from '../client/client.ts';
import { dataOf } from '../client/result.ts';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { authFilePath, saveLogin } from './connection/auth-file.ts';
import { parseDuration } from './flags/collect.ts';
import { resolveGateway } from './connection/gateway.ts';
import { tracingFetch } from './connection/trace-requests.ts';
import type { Shell } from './terminal/shell.ts';

interface LoginFlags {
  readonly gateway?: string;
  readonly username: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
  readonly tlsNoVerify?: boolean;
  readonly timeout: number;
}

export const loginCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command
      .option('-g, --gateway <url>', 'address of the platform (OPENFAAS_URL, or http://127.0.0.1:8080)')
      .option('-u, --username <name>', 'user', 'admin')
      .option('-p, --password <text>', 'password; other users of the machine can see it in the process list')
      .option('-s, --password-stdin', 'read the password from stdin')
      .option('--tls-no-verify', 'take any certificate of the gateway')
      .option('--timeout <duration>', 'how long to wait for the gateway', parseDuration('--timeout'), 5000)
      .action((flags: LoginFlags) => login(shell, flags));
  },
};

async function login(shell: Shell, flags: LoginFlags): Promise<void> {
  const gateway = resolveGateway({ flag: flags.gateway, env: shell.env['OPENFAAS_URL'] });
  const credentials = { user: flags.username, password: await readPassword(shell, flags) };
  if (credentials.user.includes(':')) {
    throw new TinderboxError(
      'invalid',
      `user "${credentials.user}" holds a colon, which Basic authentication cannot carry`,
    );
  }
  const signal = AbortSignal.any([shell.signal, AbortSignal.timeout(flags.timeout)]);
  const fetch = tracingFetch(shell, { anyCertificate: flags.tlsNoVerify === true });
  const tried = await createClient({ gateway, credentials, signal, fetch }).functions.list();
  if (!tried.ok && tried.error.code === 'unauthenticated') {
    throw new TinderboxError('unauthenticated', `${gateway} does not accept this user and password`, {
      hint: 'the password made at first start is in the file "password" of the data folder',
    });
  }
  dataOf(tried);
  const file = authFilePath(shell);
  await saveLogin(file, gateway, credentials);
  shell.stdout.write(`Logged in to ${gateway} as ${credentials.user}; saved in ${file}.\n`);
}

async function readPassword(shell: Shell, flags: LoginFlags): Promise<string> {
  if (flags.password !== undefined && flags.passwordStdin === true) {
    throw new TinderboxError('invalid', '--password and --password-stdin exclude each other');
  }
  if (flags.password !== undefined) {
    shell.stderr.write('warning: --password shows in the process list; use --password-stdin\n');
    return nonEmpty(flags.password);
  }
  if (flags.passwordStdin === true) return nonEmpty((await text(shell.stdin)).replace(/\r?\n$/, ''));
  throw new TinderboxError('invalid', 'no password given', {
    hint: 'tinderbox login --password-stdin < file-with-the-password',
  });
}

function nonEmpty(password: string): string {
  if (password !== '') return password;
  throw new TinderboxError('invalid', 'the password is empty');
}

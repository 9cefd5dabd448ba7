import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { createClient } from '../../client/client.ts';
import { dataOf, failure } from '../../client/result.ts';
import { TinderboxError } from '../../model/errors.ts';
import { normaliseGateway } from '../connection/gateway.ts';
import { tracingFetch } from '../connection/trace-requests.ts';
import type { Shell } from '../terminal/shell.ts';
import type { Builder } from './build-functions.ts';
import { sealFiles } from './platform-builder.ts';

/** Values of the flags that name a builder other than the platform. */
export interface RemoteBuilderFlags {
  readonly remoteBuilder?: string;
  readonly payloadSecret?: string;
  readonly builderPublicKey?: string;
}

export function addRemoteBuilderFlags(command: Command): Command {
  return command
    .option('--remote-builder <url>', 'build there, in place of the platform (OPENFAAS_REMOTE_BUILDER)')
    .option('--payload-secret <file>', 'file with what builds are signed with (OPENFAAS_PAYLOAD_SECRET)')
    .option(
      '--builder-public-key <key>',
      'key, or a file with it, that build_secrets are sealed for (OPENFAAS_BUILDER_PUBLIC_KEY)',
    );
}

/**
 * The builder that flags or environment name, which takes a signature in place of a login; undefined: the platform. Throws
 * `invalid` without a secret to sign with.
 */
export async function findRemoteBuilder(shell: Shell, flags: RemoteBuilderFlags): Promise<Builder | undefined> {
  const from = (flag: string | undefined, variable: string): string => flag ?? shell.env[variable] ?? '';
  const address = from(flags.remoteBuilder, 'OPENFAAS_REMOTE_BUILDER');
  if (address === '') return undefined;
  // As with faas-cli the address may be the builder's or that of its build itself.
  const url = normaliseGateway(address).replace(/\/build$/, '');
  const secretFile = from(flags.payloadSecret, 'OPENFAAS_PAYLOAD_SECRET');
  if (secretFile === '') {
    throw new TinderboxError('invalid', 'a remote builder takes signed builds only: --payload-secret is missing', {
      hint: 'give the file with the secret: --payload-secret FILE, or OPENFAAS_PAYLOAD_SECRET',
    });
  }
  const secret = (await readText(shell, secretFile, '--payload-secret')).trim();
  const fetch = tracingFetch(shell, { anyCertificate: false });
  const client = createClient({ gateway: url, signal: shell.signal, fetch });
  const givenKey = from(flags.builderPublicKey, 'OPENFAAS_BUILDER_PUBLIC_KEY');
  return {
    send: async (tar, onLog) => {
      const bytes = await buffer(tar);
      const signature = `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`;
      const built = await client.build.run({ bytes, signature }, onLog);
      return built.ok || built.error.code !== 'unauthenticated' ? built : failure(notTheirSecret(url, secretFile));
    },
    seal: async (files) => {
      const key = givenKey === '' ? dataOf(await client.build.publicKey()) : keyFrom(await keyText(shell, givenKey));
      return sealFiles(key, files);
    },
  };
}

/** No login would help: a signed build comes without one. */
function notTheirSecret(url: string, secretFile: string): TinderboxError {
  return new TinderboxError('unauthenticated', `the builder ${url} does not take what ${secretFile} signs`, {
    hint: 'a platform on this machine has its secret in the file "payload-secret" of its data folder',
  });
}

/** A key in the clear, or the builder's own answer with it. */
function keyFrom(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) return trimmed;
  try {
    const { public_key: key } = JSON.parse(trimmed) as { public_key?: unknown };
    if (typeof key === 'string') return key;
  } catch {
    // Told below, like an answer without a key.
  }
  throw new TinderboxError('invalid', '--builder-public-key holds JSON without a "public_key"');
}

/** The flag's value is the key itself where no file is called so. */
async function keyText(shell: Shell, value: string): Promise<string> {
  return readFile(resolve(shell.cwd, value), 'utf8').catch(() => value);
}

async function readText(shell: Shell, file: string, what: string): Promise<string> {
  return readFile(resolve(shell.cwd, file), 'utf8').catch((cause: Error) => {
    throw new TinderboxError('invalid', `${what} ${file} cannot be read: ${cause.message}`, { cause });
  });
}

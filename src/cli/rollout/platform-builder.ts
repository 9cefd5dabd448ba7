import { readFile } from 'node:fs/promises';
import type { Client } from '../../client/client.ts';
import { dataOf } from '../../client/result.ts';
import { TinderboxError } from '../../model/errors.ts';
import { sealSecrets } from '../../model/sealed-secrets.ts';
import { formatYaml } from '../output/format-yaml.ts';
import type { Builder } from './build-functions.ts';

/** The platform as a builder: it takes builds of whoever is logged in, and tells the key their secrets are sealed for. */
export function createPlatformBuilder(client: Client): Builder {
  return {
    send: (tar, onLog) => client.build.run(tar, onLog),
    seal: async (files) => sealFiles(dataOf(await client.build.publicKey()), files),
  };
}

/** The archive's entry `com.openfaas.secrets` with what the files hold (name → path). Throws `invalid`, naming the secret. */
export async function sealFiles(publicKey: string, files: Readonly<Record<string, string>>): Promise<string> {
  const values = Object.entries(files).map(async ([name, file]) => [name, await readBytes(file, name)] as const);
  return formatYaml(sealSecrets(publicKey, Object.fromEntries(await Promise.all(values))));
}

async function readBytes(file: string, name: string): Promise<Buffer> {
  return readFile(file).catch((cause: Error) => {
    throw new TinderboxError('invalid', `build secret "${name}" cannot be read: ${cause.message}`, { cause });
  });
}

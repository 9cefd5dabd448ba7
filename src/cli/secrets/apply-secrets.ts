import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../client/client.ts';
import { dataOf } from '../../client/result.ts';
import { TinderboxError } from '../../model/errors.ts';
import { assertSecretName } from '../../model/names.ts';
import { trimBytes } from '../flags/secret-value.ts';
import type { Shell } from '../terminal/shell.ts';

const folderName = '.secrets';

/**
 * Creates, or updates where it exists, a secret for every file in `.secrets`, named after the file. Everything is read
 * and checked before the first is sent. Throws `not-found` without the folder, `invalid` for a name or an empty value.
 */
export async function applySecrets(shell: Shell, client: Client, namespace: string, trim: boolean): Promise<void> {
  const secrets = await readSecrets(shell, trim);
  if (secrets.length === 0) {
    shell.stderr.write(`there is no file in ${folderName}, so nothing to apply\n`);
    return;
  }
  for (const { name, value } of secrets) {
    const created = await client.secrets.create({ name, namespace }, value);
    if (created.ok) {
      shell.stdout.write(`Created secret ${name}.\n`);
      continue;
    }
    if (created.error.code !== 'conflict') dataOf(created);
    dataOf(await client.secrets.update({ name, namespace }, value));
    shell.stdout.write(`Updated secret ${name}.\n`);
  }
}

async function readSecrets(
  shell: Shell,
  trim: boolean,
): Promise<readonly { readonly name: string; readonly value: Buffer }[]> {
  const folder = join(shell.cwd, folderName);
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw new TinderboxError('not-found', `there is no folder ${folderName} in ${shell.cwd}`, {
      hint: `make it, with one file per secret, named like the secret`,
      cause,
    });
  });
  const files = entries.filter((entry) => !entry.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1));
  return Promise.all(
    files.map(async ({ name }) => {
      assertSecretName(name);
      const raw = await readFile(join(folder, name));
      const value = trim ? trimBytes(raw) : raw;
      if (value.length === 0) throw new TinderboxError('invalid', `${folderName}/${name} is empty`);
      return { name, value };
    }),
  );
}

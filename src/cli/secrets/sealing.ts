import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { TinderboxError } from '../../model/errors.ts';
import {
  createSealingKeys,
  keyIdOf,
  parseSealedSecrets,
  sealSecrets,
  unsealSecrets,
} from '../../model/sealed-secrets.ts';
import { collectPairs, parseInteger } from '../flags/collect.ts';
import { formatYaml } from '../output/format-yaml.ts';
import type { Shell } from '../terminal/shell.ts';

interface SealFlags {
  readonly output: string;
  readonly fromLiteral?: Readonly<Record<string, string>>;
  readonly fromFile?: Readonly<Record<string, string>>;
}

/** The parts of `secret` that ask no platform: random values, and build secrets sealed for a builder. */
export function addSealingCommands(command: Command, shell: Shell): void {
  command
    .command('generate')
    .alias('gen')
    .description('make a random value, base64')
    .option('--length <bytes>', 'random bytes', parseInteger('--length', 1), 32)
    .option('-o, --output <file>', 'write to a file, readable by you alone, instead of stdout')
    .action((flags: { length: number; output?: string }) => generate(shell, flags));
  command
    .command('keygen')
    .description('make a pair of keys for sealing build secrets')
    .option('-o, --output <file>', 'file of the private key; the public one gets .pub behind it', 'key')
    .action((flags: { output: string }) => keygen(shell, flags.output));
  command
    .command('seal')
    .description('seal build secrets for the owner of a public key')
    .argument('<public-key>', 'file with the public key')
    .option('-o, --output <file>', 'file to write', 'com.openfaas.secrets')
    .option('--from-literal <name=value>', 'a secret; may be repeated', collectPairs)
    .option('--from-file <name=file>', 'a secret from a file; may be repeated', collectPairs)
    .action((publicKey: string, flags: SealFlags) => seal(shell, publicKey, flags));
  command
    .command('unseal')
    .description('open sealed build secrets')
    .argument('<private-key>', 'file with the private key')
    .option('--in <file>', 'file with the sealed secrets', 'com.openfaas.secrets')
    .option('--key <name>', 'only this secret')
    .option('-j, --json', 'print them as JSON')
    .action((privateKey: string, flags: { in: string; key?: string; json?: boolean }) =>
      unseal(shell, privateKey, flags),
    );
}

async function generate(shell: Shell, flags: { length: number; output?: string }): Promise<void> {
  const text = randomBytes(flags.length).toString('base64');
  if (flags.output === undefined) shell.stdout.write(`${text}\n`);
  else await writePrivate(shell, flags.output, text);
}

async function keygen(shell: Shell, output: string): Promise<void> {
  const keys = createSealingKeys();
  await writePrivate(shell, output, keys.privateKey);
  await writeFile(resolve(shell.cwd, `${output}.pub`), keys.publicKey, { mode: 0o644 });
  const lines = [
    `Wrote private key: ${output}`,
    `Wrote public key:  ${output}.pub`,
    `Key ID:            ${keyIdOf(keys.publicKey)}`,
  ];
  shell.stdout.write(`${lines.join('\n')}\n`);
}

async function seal(shell: Shell, publicKey: string, flags: SealFlags): Promise<void> {
  const key = (await read(shell, publicKey)).toString('utf8');
  const files = Object.entries(flags.fromFile ?? {}).map(
    async ([name, file]) => [name, await read(shell, file)] as const,
  );
  const literals = Object.entries(flags.fromLiteral ?? {}).map(([name, text]) => [name, Buffer.from(text)] as const);
  const values: Record<string, Buffer> = Object.fromEntries([...literals, ...(await Promise.all(files))]);
  const count = Object.keys(values).length;
  if (count === 0) {
    throw new TinderboxError('invalid', 'no secret given', {
      hint: 'add --from-literal NAME=VALUE or --from-file NAME=FILE',
    });
  }
  await writePrivate(shell, flags.output, await formatYaml(sealSecrets(key, values)));
  shell.stdout.write(`Sealed ${count} secret(s) to ${flags.output} (key ID: ${keyIdOf(key)})\n`);
}

async function unseal(
  shell: Shell,
  privateKey: string,
  flags: { in: string; key?: string; json?: boolean },
): Promise<void> {
  const key = (await read(shell, privateKey)).toString('utf8');
  const { parse } = await import('yaml');
  const text = (await read(shell, flags.in)).toString('utf8');
  const opened = unsealSecrets(key, parseSealedSecrets(parseYaml(parse, text, flags.in)), flags.key);
  const texts = Object.fromEntries(Object.entries(opened).map(([name, value]) => [name, value.toString('utf8')]));
  if (flags.json === true) shell.stdout.write(`${JSON.stringify(texts, null, 2)}\n`);
  else if (flags.key !== undefined) shell.stdout.write(opened[flags.key] ?? '');
  else
    shell.stdout.write(
      Object.entries(texts)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
}

function parseYaml(parse: (text: string) => unknown, text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new TinderboxError('invalid', `${file} is not YAML: ${(cause as Error).message}`, { cause });
  }
}

async function read(shell: Shell, file: string): Promise<Buffer> {
  return readFile(resolve(shell.cwd, file)).catch((cause: Error) => {
    throw new TinderboxError('invalid', `${file} cannot be read: ${cause.message}`, { cause });
  });
}

async function writePrivate(shell: Shell, file: string, text: string): Promise<void> {
  const path = resolve(shell.cwd, file);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, text, { mode: 0o600 });
}

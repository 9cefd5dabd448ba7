import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { extract } from 'tar-stream';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { assertPluginName, pluginFolder } from './plugin/find-plugin.ts';
import { openRegistry } from './plugin/registry.ts';
import type { Shell } from './terminal/shell.ts';

interface GetFlags {
  readonly registry: string;
  readonly arch?: string;
  readonly os?: string;
  readonly version: string;
  readonly path?: string;
  readonly verbose?: boolean;
}

export const pluginCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command
      .command('get')
      .description('get a plugin of faas-cli from a registry')
      .argument('<name>', 'plugin')
      .option('--registry <address>', 'registry and path', 'ghcr.io/openfaasltd')
      .option('--arch <name>', 'processor (this one)')
      .option('--os <name>', 'operating system (this one)')
      .option('--version <tag>', 'version', 'latest')
      .option('--path <folder>', 'folder to put it in (~/.openfaas/plugins)')
      .option('-v, --verbose', 'say what is fetched, and from where')
      .action((name: string, flags: GetFlags) => getPlugin(shell, name, flags));
  },
};

/** What registries call the processors and systems that Node and uname name otherwise. */
const registryNames: Readonly<Record<string, string>> = {
  x64: 'amd64',
  x86_64: 'amd64',
  aarch64: 'arm64',
  win32: 'windows',
};
const maxUnpackedBytes = 1024 * 2 ** 20;

async function getPlugin(shell: Shell, name: string, flags: GetFlags): Promise<void> {
  assertPluginName(name);
  const [host = '', ...path] = flags.registry
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .split('/');
  const translate = (word: string): string => registryNames[word.toLowerCase()] ?? word.toLowerCase();
  const [os, arch] = [translate(flags.os ?? process.platform), translate(flags.arch ?? process.arch)];
  const reference = { host, path: [...path, name].join('/'), tag: flags.version };
  shell.stderr.write(`Fetching plugin: ${name}\n`);
  if (flags.verbose === true) shell.stderr.write(`${host}/${reference.path}:${flags.version} for ${os}/${arch}\n`);
  const registry = openRegistry(reference, shell.signal);
  let program: Buffer | undefined;
  // What a later layer holds takes the place of the same file of an earlier one.
  for (const layer of await registry.layers(os, arch)) {
    program = (await findProgram(await registry.blob(layer), name)) ?? program;
  }
  if (program === undefined) throw new TinderboxError('bad-reply', `the image of ${name} holds no program "${name}"`);
  const folder =
    flags.path === undefined
      ? pluginFolder(shell)
      : resolve(shell.cwd, flags.path.replace(/^(~|\$HOME)(?=\/|$)/, shell.home));
  await mkdir(folder, { recursive: true });
  const file = join(folder, name);
  await writeFile(`${file}.${process.pid}.tmp`, program, { mode: 0o755 });
  await rename(`${file}.${process.pid}.tmp`, file);
  shell.stdout.write(`Wrote ${file}; use it with: tinderbox ${name}\n`);
}

/** The file of that name at the top of a layer; nothing else of it is unpacked. */
async function findProgram(layer: Buffer, name: string): Promise<Buffer | undefined> {
  const packed = layer[0] === 0x1f && layer[1] === 0x8b;
  const tar = packed ? gunzipSync(layer, { maxOutputLength: maxUnpackedBytes }) : layer;
  let found: Buffer | undefined;
  for await (const entry of Readable.from([tar]).pipe(extract())) {
    const content = await buffer(entry);
    const isIt = entry.header.type === 'file' && entry.header.name.replace(/^(\.?\/)+/, '') === name;
    if (isIt) found = content;
  }
  return found;
}

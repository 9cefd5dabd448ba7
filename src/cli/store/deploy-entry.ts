import { realpath } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import type { Client } from '../../client/client.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { StoreEntry } from '../../model/function-store.ts';
import { assertName, defaultNamespace } from '../../model/names.ts';
import { type BuildTarget, programOf } from '../rollout/build-target.ts';
import type { SpecFlags } from '../rollout/deploy-flags.ts';
import { deployFunctions, type RolloutOptions } from '../rollout/deploy-functions.ts';
import { type Deployable, deploymentFrom } from '../rollout/deployment.ts';
import { resolveLanguage } from '../stack/language.ts';
import type { Shell } from '../terminal/shell.ts';
import type { FunctionStore } from './load-function-store.ts';

/** Flags of `store deploy` beside those of the connection. */
export interface EntryFlags extends SpecFlags {
  /** In place of the entry's name. */
  readonly name?: string;
}

/**
 * Deploys an entry as its image; one of a store on disk that has a source is built first. Rejects with `invalid` for an
 * image the platform does not have, `conflict` when the function exists and may not be changed.
 */
export async function deployEntry(
  shell: Shell,
  client: Client,
  { store, entry, image }: { readonly store: FunctionStore; readonly entry: StoreEntry; readonly image: string },
  flags: EntryFlags,
  options: RolloutOptions,
): Promise<void> {
  const name = flags.name ?? entry.name;
  assertName('function', name);
  const deployment = deploymentFrom({ ...deployableFrom(entry), name, image }, entry.environment, flags);
  const namespace = deployment.namespace ?? defaultNamespace;
  const target = await sourceOf(store, entry, { name, namespace, image: deployment.image });
  try {
    await deployFunctions(shell, client, [target === undefined ? { deployment } : { deployment, target }], options);
  } catch (reason) {
    const error = TinderboxError.from(reason);
    if (target !== undefined || error.code !== 'invalid' || (await hasImage(client, deployment.image))) throw error;
    throw refusal(entry, deployment.image, error);
  }
}

function deployableFrom(entry: StoreEntry): Omit<Deployable, 'name' | 'image'> {
  const { fprocess, labels, annotations, readOnlyRootFilesystem } = entry;
  return { labels, annotations, readOnlyRootFilesystem, ...(fprocess === '' ? {} : { fprocess }) };
}

/** Only of a store that is a file: a store from elsewhere must not have this machine's files sent to a platform. */
async function sourceOf(
  { directory, where }: FunctionStore,
  { name, source, lang, fprocess, environment }: StoreEntry,
  target: Pick<BuildTarget, 'name' | 'namespace' | 'image'>,
): Promise<BuildTarget | undefined> {
  if (source === undefined || directory === undefined) return undefined;
  const root = await realpath(directory);
  const folder = await realpath(resolve(root, source)).catch((cause: unknown) => {
    throw new TinderboxError('not-found', `the source of ${name} is not at "${source}" beside ${where}`, { cause });
  });
  if (relative(root, folder).split(sep)[0] === '..') {
    throw new TinderboxError('invalid', `the source of ${name}, "${source}", leaves the folder of ${where}`);
  }
  const language = lang === undefined ? undefined : resolveLanguage(lang).language;
  return {
    ...target,
    source: folder,
    ...(language === undefined ? {} : { language }),
    ...programOf(language, fprocess === '' ? undefined : fprocess, environment),
    buildArgs: {},
    noCache: false,
  };
}

async function hasImage(client: Client, image: string): Promise<boolean> {
  const images = await client.images.list();
  return !images.ok || images.data.some((known) => known.image === image);
}

function refusal({ name }: StoreEntry, image: string, cause: TinderboxError): TinderboxError {
  const message = `${name} is the container image "${image}", which this platform does not have: ${cause.message}`;
  return new TinderboxError('invalid', message, {
    hint: '`tinderbox store list`, without --url, shows functions that are built where they run',
    cause,
  });
}

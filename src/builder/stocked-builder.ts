import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Artifact } from '../model/artifact.ts';
import { parseFunctionStore, type StoreEntry } from '../model/function-store.ts';
import { defaultNamespace } from '../model/names.ts';
import type { Builder } from './builder.ts';

/** The functions that come with the program. */
export interface Stock {
  /** The store's file as it is: what clients are given. */
  readonly text: string;
  /** Sources by the image name their entry has. */
  readonly sources: ReadonlyMap<string, StockedSource>;
}

interface StockedSource {
  readonly directory: string;
  readonly language?: string;
  readonly process?: string;
}

/** Reads a store whose entries have their sources beside its file. Rejects with `invalid` for a broken one. */
export async function readStock(file: string): Promise<Stock> {
  const text = await readFile(file, 'utf8');
  const entries = parseFunctionStore(text, file);
  return { text, sources: new Map(entries.flatMap((entry) => sourcesOf(entry, dirname(file)))) };
}

/**
 * A builder that has the functions of the store as well: an image name of theirs is built when it is first asked for,
 * so that any client can deploy them. A name that is in the index already stays what it is. `resolve` then rejects as
 * `build` does.
 */
export function createStockedBuilder(builder: Builder, { sources }: Stock): Builder {
  const never = new AbortController().signal;
  return {
    secretsRoot: builder.secretsRoot,
    build: (request, onLog, signal) => builder.build(request, onLog, signal),
    artifact: (digest) => builder.artifact(digest),
    images: () => builder.images(),
    collect: (keep) => builder.collect(keep),
    close: () => builder.close(),
    async resolve(image): Promise<Artifact | undefined> {
      const source = sources.get(image);
      const known = await builder.resolve(image);
      if (known !== undefined || source === undefined) return known;
      const request = { ...source, image, namespace: defaultNamespace, buildArgs: {}, noCache: false };
      return builder.build(request, () => undefined, never);
    },
  };
}

function sourcesOf({ images, source, lang, fprocess }: StoreEntry, root: string): [string, StockedSource][] {
  if (source === undefined) return [];
  const stocked = {
    directory: join(root, source),
    ...(lang === undefined ? {} : { language: lang }),
    ...(fprocess === '' ? {} : { process: fprocess }),
  };
  return [...new Set(Object.values(images))].map((image) => [image, stocked]);
}

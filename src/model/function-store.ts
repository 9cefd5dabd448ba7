import { TinderboxError } from './errors.ts';
import { assertName } from './names.ts';

/** One function of a store, under the names OpenFaaS's format gives its fields; what the store left out is empty. */
export interface StoreEntry {
  readonly icon: string;
  readonly author: string;
  readonly title: string;
  readonly description: string;
  readonly name: string;
  readonly fprocess: string;
  readonly repo_url: string;
  readonly readOnlyRootFilesystem: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Image name by platform, such as `x86_64`. */
  readonly images: Readonly<Record<string, string>>;
  /** Ours: folder with the source, relative to the store's file. Other clients pass over it. */
  readonly source?: string;
  /** Ours: what builds the source. */
  readonly lang?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads version 2 of OpenFaaS's store format. `where` names the store in messages. Throws `invalid`. */
export function parseFunctionStore(text: string, where: string): readonly StoreEntry[] {
  const wrong = (reason: string, cause?: unknown): TinderboxError =>
    new TinderboxError('invalid', `${where} is not a function store: ${reason}`, { cause });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw wrong((cause as Error).message, cause);
  }
  const functions = isObject(content) ? content['functions'] : undefined;
  if (!Array.isArray(functions)) throw wrong('it has no list "functions"');
  return functions.map((entry: unknown, index) => {
    if (!isObject(entry)) throw wrong(`functions[${index}] is not an object`);
    try {
      return parseEntry(entry);
    } catch (reason) {
      throw wrong(`functions[${index}]: ${TinderboxError.from(reason).message}`, reason);
    }
  });
}

/** The entry of that name, or of that title. */
export function findStoreEntry(entries: readonly StoreEntry[], name: string): StoreEntry | undefined {
  return entries.find((entry) => entry.name === name) ?? entries.find((entry) => entry.title === name);
}

/** The image of an entry for a platform, whatever the case it is written in. */
export function storeImage(entry: StoreEntry, platform: string): string | undefined {
  const wanted = platform.toLowerCase();
  return Object.entries(entry.images).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

function parseEntry(entry: Fields): StoreEntry {
  const name = textOf(entry, 'name');
  assertName('function', name);
  const [source, lang] = [textOf(entry, 'source'), textOf(entry, 'lang')];
  return {
    icon: textOf(entry, 'icon'),
    author: textOf(entry, 'author'),
    title: textOf(entry, 'title'),
    description: textOf(entry, 'description'),
    name,
    fprocess: textOf(entry, 'fprocess'),
    repo_url: textOf(entry, 'repo_url'),
    readOnlyRootFilesystem: entry['readOnlyRootFilesystem'] === true,
    environment: mapOf(entry, 'environment'),
    labels: mapOf(entry, 'labels'),
    annotations: mapOf(entry, 'annotations'),
    images: mapOf(entry, 'images'),
    ...(source === '' ? {} : { source }),
    ...(lang === '' ? {} : { lang }),
  };
}

function textOf(entry: Fields, field: string): string {
  const value = entry[field] ?? '';
  if (typeof value !== 'string') throw new TinderboxError('invalid', `${field} is no text`);
  return value;
}

function mapOf(entry: Fields, field: string): Readonly<Record<string, string>> {
  const value = entry[field] ?? {};
  if (!isObject(value) || Object.values(value).some((text) => typeof text !== 'string')) {
    throw new TinderboxError('invalid', `${field} is not an object of texts`);
  }
  return value as Readonly<Record<string, string>>;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

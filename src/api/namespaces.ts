import { z } from 'zod';
import { TinderboxError } from '../model/errors.ts';
import type { NamespaceRecord } from '../model/function.ts';
import { assertName, defaultNamespace } from '../model/names.ts';
import { notice } from '../observe/channels.ts';
import { formatNamespaceRecordKey } from '../model/record-keys.ts';
import type { ApiParts } from './api-parts.ts';
import { findNamespace } from './catalog.ts';
import { findOccupant, namespaceLeaving } from './namespace-life.ts';
import { parseFields } from './parse-json.ts';

const mostEntries = 200;
const strings = z
  .record(z.string().max(253), z.string('is not a string').max(4096, 'has more than 4096 characters'))
  .refine((map) => Object.keys(map).length <= mostEntries, `has more than ${mostEntries} entries`);
/** OpenFaaS's FunctionNamespace. */
export const namespaceRequest = z.strictObject(
  {
    name: z.string('is not a string').nullish(),
    labels: strings.nullish(),
    annotations: strings.nullish(),
  },
  'is not a JSON object',
);

/** What is told of a namespace. */
export type NamespaceStatus = Omit<NamespaceRecord, 'createdAt' | 'deleting'>;

export interface Namespaces {
  /** Names in order, the default one among them. */
  list(): readonly string[];
  get(name: string): NamespaceStatus;
  /** The name is the body's or the path's. Rejects with `conflict`, or `invalid` without the mark `openfaas=1`. */
  create(json: unknown, pathName: string | undefined): Promise<void>;
  update(json: unknown, pathName: string | undefined): Promise<void>;
  /** With its secrets. Rejects with `conflict` while functions or deploys are in it, `forbidden` for the default one. */
  remove(json: unknown, pathName: string | undefined): Promise<void>;
}

/** By this label or annotation OpenFaaS tells its namespaces from those of others. */
const mark = { openfaas: '1' };

type NamespaceParts = Pick<ApiParts, 'catalog' | 'secrets' | 'store'>;

export function createNamespaces(parts: NamespaceParts): Namespaces {
  const { catalog } = parts;
  return {
    list() {
      const names = [...catalog.namespaces.all()].map(({ value }) => (value as NamespaceRecord).name);
      return [...new Set([defaultNamespace, ...names])].sort();
    },
    get(name) {
      const found = findNamespace(catalog, name) ?? requireDefault(name);
      const { createdAt: _, deleting: __, ...status } = found;
      return status;
    },
    async create(json, pathName) {
      const given = parseNamespace(json, pathName);
      assertMarked(given);
      const isThere = given.name === defaultNamespace || findNamespace(catalog, given.name) !== undefined;
      const record = { ...given, createdAt: new Date().toISOString() };
      if (!isThere && (await unlessChanged(catalog.namespaces.put(keyOf(given), record, 0))) !== undefined) return;
      throw new TinderboxError('conflict', `namespace "${given.name}" exists already`);
    },
    async update(json, pathName) {
      const given = parseNamespace(json, pathName);
      await requireNamespace(given.name, parts);
      assertMarked(given);
      await repeatedly(given.name, async () => {
        const { record, version } = await requireNamespace(given.name, parts);
        if (record.deleting === true) throw namespaceLeaving(given.name);
        const createdAt = record.createdAt || new Date().toISOString();
        return unlessChanged(catalog.namespaces.put(keyOf(given), { ...given, createdAt }, version));
      });
    },
    async remove(json, pathName) {
      const { name } = parseNamespace(json, pathName);
      if (name === defaultNamespace) {
        throw new TinderboxError('forbidden', `namespace "${name}" is the default one and cannot be deleted`);
      }
      await removeNamespace(name, parts);
    },
  };
}

/**
 * Goes on with what a killed platform had begun to delete: to the end, or back to a namespace that stays when something
 * is in it. What fails is told, and left to whoever deletes it again.
 */
export async function finishRemovals(parts: NamespaceParts): Promise<void> {
  const records = [...parts.catalog.namespaces.all()].map(({ value }) => value as NamespaceRecord);
  for (const { name, deleting } of records) {
    if (deleting !== true) continue;
    await removeNamespace(name, parts).catch((reason: unknown) => {
      const error = TinderboxError.from(reason);
      const message = `namespace "${name}" was being deleted and is still there: ${error.message}`;
      notice.publish({ level: error.code === 'conflict' ? 'info' : 'warn', part: 'api', message });
    });
  }
}

/** Who deletes it as well takes over with a mark of its own; whoever comes last finds nothing left to do. */
async function removeNamespace(name: string, parts: NamespaceParts): Promise<void> {
  const { catalog, secrets, store } = parts;
  await requireNamespace(name, parts);
  await repeatedly(name, async () => {
    const found = await readNamespace(name, parts);
    if (found === undefined) return true;
    const { deleting: _, ...kept } = found.record;
    const marked = await unlessChanged(catalog.namespaces.put(keyOf(kept), { ...kept, deleting: true }, found.version));
    if (marked === undefined) return undefined;
    const occupant = await findOccupant(store, name);
    if (occupant !== undefined) {
      await unlessChanged(catalog.namespaces.put(keyOf(kept), kept, marked));
      throw new TinderboxError('conflict', `namespace "${name}" still has ${occupant}, to be removed first`);
    }
    for (const secret of await secrets.list(name)) await secrets.delete(name, secret);
    return unlessChanged(catalog.namespaces.delete(keyOf(kept), marked));
  });
}

/** Each lost race is one write of somebody else; so many in a row are something else. */
const maxAttempts = 20;

/** Tries again while somebody else wrote meanwhile (undefined), on top of what they wrote. */
async function repeatedly(name: string, attempt: () => Promise<unknown>): Promise<void> {
  for (let attempts = 0; attempts < maxAttempts; attempts += 1) if ((await attempt()) !== undefined) return;
  throw new TinderboxError('conflict', `namespace "${name}" is being changed by others all the time`);
}

/** Undefined when what is written stands at another version by now. */
async function unlessChanged<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (reason) {
    if (reason instanceof TinderboxError && reason.code === 'conflict') return undefined;
    throw reason;
  }
}

interface Found {
  readonly record: NamespaceRecord;
  readonly version: number;
}

/** From the store itself, with the version a write has to carry. */
async function readNamespace(name: string, { store }: NamespaceParts): Promise<Found | undefined> {
  const entry = await store.get(formatNamespaceRecordKey(name));
  return entry === undefined ? undefined : { record: entry.value as NamespaceRecord, version: entry.version };
}

async function requireNamespace(name: string, parts: NamespaceParts): Promise<Found> {
  return (await readNamespace(name, parts)) ?? { record: requireDefault(name), version: 0 };
}

/** The default namespace, which exists without a record. */
function requireDefault(name: string): NamespaceRecord {
  if (name === defaultNamespace) return { name, labels: mark, annotations: mark, createdAt: '' };
  throw new TinderboxError('not-found', `namespace "${name}" does not exist`);
}

function keyOf({ name }: Pick<NamespaceRecord, 'name'>): string {
  return formatNamespaceRecordKey(name);
}

interface ParsedNamespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

function parseNamespace(json: unknown, pathName: string | undefined): ParsedNamespace {
  const given = parseFields(namespaceRequest, json);
  const name = given.name || pathName || '';
  if (pathName && given.name && given.name !== pathName) {
    throw new TinderboxError('invalid', `name: "${given.name}" is not the namespace of the path, "${pathName}"`);
  }
  if (name === '') throw new TinderboxError('invalid', 'name: is required');
  assertName('namespace', name);
  return {
    name,
    ...(given.labels ? { labels: given.labels } : {}),
    ...(given.annotations ? { annotations: given.annotations } : {}),
  };
}

function assertMarked({ name, labels, annotations }: ParsedNamespace): void {
  if (labels?.['openfaas'] === '1' || annotations?.['openfaas'] === '1') return;
  throw new TinderboxError('invalid', `namespace "${name}" lacks the label or annotation openfaas=1`);
}

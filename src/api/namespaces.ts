import { z } from 'zod';
import { TinderboxError } from '../model/errors.ts';
import type { NamespaceRecord } from '../model/function.ts';
import { assertName, defaultNamespace } from '../model/names.ts';
import { formatNamespaceRecordKey } from '../model/record-keys.ts';
import type { ApiParts } from './api-parts.ts';
import { findNamespace, listFunctions } from './catalog.ts';
import { parseFields } from './parse-json.ts';

const strings = z.record(z.string().max(253), z.string('is not a string').max(4096, 'has more than 4096 characters'));
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
export type NamespaceStatus = Omit<NamespaceRecord, 'createdAt'>;

export interface Namespaces {
  /** Names in order, the default one among them. */
  list(): readonly string[];
  get(name: string): NamespaceStatus;
  /** The name is the body's or the path's. Rejects with `conflict`, or `invalid` without the mark `openfaas=1`. */
  create(json: unknown, pathName: string | undefined): Promise<void>;
  update(json: unknown, pathName: string | undefined): Promise<void>;
  /** With its secrets. Rejects with `conflict` while functions are in it, `forbidden` for the default one. */
  remove(json: unknown, pathName: string | undefined): Promise<void>;
}

/** By this label or annotation OpenFaaS tells its namespaces from those of others. */
const mark = { openfaas: '1' };

export function createNamespaces({ catalog, secrets }: Pick<ApiParts, 'catalog' | 'secrets'>): Namespaces {
  const require = (name: string): NamespaceRecord => {
    const record = findNamespace(catalog, name);
    if (record !== undefined) return record;
    if (name === defaultNamespace) return { name, labels: mark, annotations: mark, createdAt: '' };
    throw new TinderboxError('not-found', `namespace "${name}" does not exist`);
  };
  const write = (given: ParsedNamespace, createdAt: string, expected?: number): Promise<number> => {
    const record: NamespaceRecord = { ...given, createdAt };
    return catalog.namespaces.put(formatNamespaceRecordKey(given.name), record, expected);
  };
  return {
    list() {
      const names = [...catalog.namespaces.all()].map(({ value }) => (value as NamespaceRecord).name);
      return [...new Set([defaultNamespace, ...names])].sort();
    },
    get(name) {
      const { createdAt: _, ...status } = require(name);
      return status;
    },
    async create(json, pathName) {
      const given = parseNamespace(json, pathName);
      assertMarked(given);
      if (given.name === defaultNamespace || findNamespace(catalog, given.name) !== undefined) {
        throw new TinderboxError('conflict', `namespace "${given.name}" exists already`);
      }
      await write(given, new Date().toISOString(), 0);
    },
    async update(json, pathName) {
      const given = parseNamespace(json, pathName);
      const { createdAt } = require(given.name);
      assertMarked(given);
      await write(given, createdAt || new Date().toISOString());
    },
    async remove(json, pathName) {
      const { name } = parseNamespace(json, pathName);
      if (name === defaultNamespace) {
        throw new TinderboxError('forbidden', `namespace "${name}" is the default one and cannot be deleted`);
      }
      require(name);
      const { length } = listFunctions(catalog, name);
      if (length > 0) {
        const what = length === 1 ? 'a function' : `${length} functions`;
        throw new TinderboxError('conflict', `namespace "${name}" still has ${what}, to be removed first`);
      }
      for (const secret of await secrets.list(name)) await secrets.delete(name, secret);
      await catalog.namespaces.delete(formatNamespaceRecordKey(name));
    },
  };
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

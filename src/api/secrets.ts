import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { TinderboxError } from '../model/errors.ts';
import { assertName, assertSecretName, defaultNamespace } from '../model/names.ts';
import type { ApiParts } from './api-parts.ts';
import { assertNamespaceExists } from './catalog.ts';
import { assertNamespaceStays } from './namespace-life.ts';
import { parseFields } from './parse-json.ts';

/** OpenFaaS's Secret. */
export const secretRequest = z.strictObject(
  {
    name: z.string('is not a string').min(1, 'is empty; give the name of the secret'),
    namespace: z.string('is not a string').nullish(),
    value: z.string('is not a string').nullish(),
    rawValue: z.string('is not a string').nullish(),
  },
  'is not a JSON object',
);

/** Secrets by namespace; values go in and never come out. */
export interface SecretCases {
  list(namespace: string): Promise<readonly { readonly name: string; readonly namespace: string }[]>;
  /** Rejects with `conflict` (create), `not-found` (update), `invalid` or `too-large`. */
  put(json: unknown, queryNamespace: string | undefined, mode: 'create' | 'update'): Promise<void>;
  remove(json: unknown, queryNamespace: string | undefined): Promise<void>;
}

export function createSecretCases({
  secrets,
  catalog,
  store,
}: Pick<ApiParts, 'secrets' | 'catalog' | 'store'>): SecretCases {
  const parse = (json: unknown, queryNamespace: string | undefined): z.infer<typeof secretRequest> & Named => {
    const given = parseFields(secretRequest, json, ['value', 'rawValue']);
    const namespace = given.namespace || queryNamespace || defaultNamespace;
    assertName('namespace', namespace);
    assertSecretName(given.name);
    return { ...given, namespace };
  };
  return {
    async list(namespace) {
      return (await secrets.list(namespace)).map((name) => ({ name, namespace }));
    },
    async put(json, queryNamespace, mode) {
      const given = parse(json, queryNamespace);
      assertNamespaceExists(catalog, given.namespace);
      await secrets.put(given.namespace, given.name, valueOf(given), { mode });
      // One that is updated was there before the namespace was marked, and goes with it.
      if (mode === 'update') return;
      try {
        await assertNamespaceStays(store, given.namespace);
      } catch (reason) {
        await secrets.delete(given.namespace, given.name);
        throw reason;
      }
    },
    async remove(json, queryNamespace) {
      const { namespace, name } = parse(json, queryNamespace);
      if (await secrets.delete(namespace, name)) return;
      throw new TinderboxError('not-found', `secret "${name}" does not exist in namespace "${namespace}"`);
    },
  };
}

interface Named {
  readonly name: string;
  readonly namespace: string;
}

/**
 * faas-cli sends a file as both: its text as `value`, trimmed unless asked not to, and its bytes as `rawValue`, which alone
 * can tell what is no text.
 */
function valueOf({ name, value, rawValue }: z.infer<typeof secretRequest>): Buffer {
  const raw = rawValue ? parseBase64(name, rawValue) : undefined;
  if (raw !== undefined && (!value || !isUtf8(raw))) return raw;
  if (value === null || value === undefined) {
    throw new TinderboxError('invalid', `secret "${name}" has neither value nor rawValue`);
  }
  if (raw !== undefined && raw.toString().trim() !== value.trim()) {
    throw new TinderboxError('invalid', `value and rawValue of secret "${name}" are not the same; give one of them`);
  }
  return Buffer.from(value);
}

function parseBase64(name: string, text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  const isSame = bytes.toString('base64').replace(/=+$/, '') === text.replace(/\s+/g, '').replace(/=+$/, '');
  if (!isSame) throw new TinderboxError('invalid', `rawValue of secret "${name}" is not base64`);
  return bytes;
}

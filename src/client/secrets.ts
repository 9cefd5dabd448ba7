import type { Connection } from './connection.ts';
import { hasTexts } from './read-reply.ts';
import { type Result, success } from './result.ts';

export interface SecretName {
  readonly name: string;
  readonly namespace?: string;
}

export interface SecretsClient {
  /** Names only: values never come back. */
  list(namespace?: string): Promise<Result<readonly SecretName[]>>;
  create(secret: SecretName, value: Buffer): Promise<Result<void>>;
  update(secret: SecretName, value: Buffer): Promise<Result<void>>;
  remove(secret: SecretName): Promise<Result<void>>;
  /** Encrypts all secrets with a new key and forgets the older ones. */
  rotateKey(): Promise<Result<{ readonly key: string }>>;
}

const path = '/system/secrets';

export function createSecretsClient(connection: Connection): SecretsClient {
  const write = async (method: string, json: object): Promise<Result<void>> => {
    const written = await connection.call({ method, path, json, timeoutMs: 60_000 });
    return written.ok ? success(undefined) : written;
  };
  return {
    list: (namespace) => connection.list({ method: 'GET', path, query: { namespace } }, hasTexts('name')),
    create: (secret, value) => write('POST', { ...secret, ...valueFields(value) }),
    update: (secret, value) => write('PUT', { ...secret, ...valueFields(value) }),
    remove: (secret) => write('DELETE', secret),
    rotateKey: () => connection.json({ method: 'POST', path: '/system/secrets-key' }),
  };
}

/** Text goes as text, anything else in base64, so that the bytes arrive as they are. */
function valueFields(value: Buffer): { value: string } | { rawValue: string } {
  const text = value.toString('utf8');
  return Buffer.from(text, 'utf8').equals(value) ? { value: text } : { rawValue: value.toString('base64') };
}

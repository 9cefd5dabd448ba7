import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from '../../client/connection.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { Shell } from '../terminal/shell.ts';
import { formatYaml } from '../output/format-yaml.ts';
import { normaliseGateway } from './gateway.ts';

/** `config.yml` of faas-cli, shared with it: saved logins per gateway. Entries of other kinds are kept as they are. */

interface AuthEntry {
  readonly gateway: string;
  readonly auth: string;
  readonly token: string;
}

/** User and password. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/** `OPENFAAS_CONFIG`, `./.openfaas` in CI, else `~/.openfaas`. */
export function authFilePath({ env, cwd, home }: Pick<Shell, 'env' | 'cwd' | 'home'>): string {
  const configured = env['OPENFAAS_CONFIG'];
  if (configured !== undefined && configured !== '') return join(configured.replace(/^~(?=\/|$)/, home), 'config.yml');
  return join(env['CI'] === 'true' ? cwd : home, '.openfaas', 'config.yml');
}

/** The login saved for a gateway. Throws `invalid` when the file is broken. */
export async function readSavedLogin(file: string, gateway: string): Promise<Credentials | undefined> {
  const entry = (await readEntries(file)).find(
    (candidate) => isFor(candidate, gateway) && ['basic', 'oauth2'].includes(candidate.auth),
  );
  if (entry === undefined) return undefined;
  if (entry.auth === 'oauth2') return { token: entry.token };
  const text = Buffer.from(entry.token, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return { user: text.slice(0, Math.max(0, colon)), password: text.slice(colon + 1) };
}

/** Saves a login, replacing the gateway's earlier one. The file is 0600, its folder 0700. */
export async function saveLogin(file: string, gateway: string, credentials: Login): Promise<void> {
  const others = (await readEntries(file)).filter((entry) => !isFor(entry, gateway));
  const token = Buffer.from(`${credentials.user}:${credentials.password}`, 'utf8').toString('base64');
  await writeEntries(file, [...others, { gateway, auth: 'basic', token }]);
}

/** Forgets the login of a gateway. Resolves with whether there was one. */
export async function forgetLogin(file: string, gateway: string): Promise<boolean> {
  const entries = await readEntries(file);
  const others = entries.filter((entry) => !isFor(entry, gateway));
  if (others.length === entries.length) return false;
  await writeEntries(file, others);
  return true;
}

async function writeEntries(file: string, auths: readonly AuthEntry[]): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}.tmp`;
  await writeFile(fresh, await formatYaml({ auths }), { mode: 0o600 });
  await rename(fresh, file);
}

async function readEntries(file: string): Promise<readonly AuthEntry[]> {
  const text = await readFile(file, 'utf8').catch((reason: NodeJS.ErrnoException) => {
    if (reason.code === 'ENOENT' || reason.code === 'ENOTDIR') return undefined;
    throw new TinderboxError('invalid', `saved logins cannot be read: ${reason.message}`, { cause: reason });
  });
  if (text === undefined) return [];
  const { parse } = await import('yaml');
  try {
    const content: unknown = parse(text) ?? {};
    const auths = typeof content === 'object' ? ((content as { auths?: unknown }).auths ?? []) : undefined;
    if (Array.isArray(auths)) return auths.filter(isEntry);
  } catch {
    // Reported below, like a file of another shape.
  }
  throw new TinderboxError('invalid', `${file} is not a file of saved logins`, {
    hint: 'repair or remove it, then: tinderbox login',
  });
}

function isEntry(value: unknown): value is AuthEntry {
  const entry = value as Partial<AuthEntry> | null;
  return typeof entry?.gateway === 'string' && typeof entry.auth === 'string' && typeof entry.token === 'string';
}

function isFor(entry: AuthEntry, gateway: string): boolean {
  try {
    return normaliseGateway(entry.gateway) === gateway;
  } catch {
    return false;
  }
}

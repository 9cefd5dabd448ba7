import { TinderboxError } from '../model/errors.ts';

/** Addresses of NATS without what is secret in them, and that. */
export interface NatsServers {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

/** `nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT]` or `tls://…`, separated by commas. Messages never repeat credentials. */
export function natsServers(value: string, key: string): NatsServers {
  const urls = value.split(',').map((part) => parseServer(part.trim(), key));
  const credentials = urls.map(credentialsOf).filter((found) => Object.keys(found).length > 0);
  if (new Set(credentials.map((found) => JSON.stringify(found))).size > 1) {
    throw new TinderboxError('config', `setting ${key} names different credentials for its servers`, {
      hint: 'one user, token or file of credentials is used for all of them',
    });
  }
  return { servers: urls.map(({ protocol, host }) => `${protocol}//${host}`), ...credentials[0] };
}

/** What subjects and the stream begin with. */
export function natsName(value: string, key: string): string {
  if (/^[A-Za-z0-9_-]{1,32}$/.test(value)) return value;
  throw new TinderboxError('config', `setting ${key} is "${value}", not 1 to 32 of A-Z, a-z, 0-9, _ and -`);
}

function parseServer(text: string, key: string): URL {
  const url = URL.parse(text);
  const isServer = url !== null && /^(nats|tls):$/.test(url.protocol) && url.host !== '' && /^\/?$/.test(url.pathname);
  if (isServer) return url;
  const shown = text.replace(/^([a-z]+:\/\/)?.*@/i, '$1…@');
  throw new TinderboxError('config', `setting ${key} has "${shown}", not an address such as nats://127.0.0.1:4222`);
}

function credentialsOf({ username, password }: URL): Omit<NatsServers, 'servers'> {
  if (username === '') return {};
  if (password === '') return { token: decodeURIComponent(username) };
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

import { readFileSync } from 'node:fs';
import {
  type Authenticator,
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/transport-node';
import { TinderboxError } from '../../model/errors.ts';
import { type NatsAccess, tlsOptions, userSeedIn } from '../../model/nats-access.ts';

const connectTimeoutMs = 3000;
/** A connection that has gone silent is given up after twice this. */
const pingIntervalMs = 2000;

/** Rejects with `config` (refused, not understood) or `unavailable` (nobody answers). Messages hold no secret. */
export async function connectNats(access: NatsAccess, name: string): Promise<NatsConnection> {
  const options = connectionOptions(access, name);
  try {
    return await connect(options);
  } catch (error) {
    throw connectFailure(error, access);
  }
}

function connectionOptions(access: NatsAccess, name: string): ConnectionOptions {
  const { servers, user, password, token, credsFile } = access;
  const tls = tlsOptions(access);
  return {
    servers: [...servers],
    name,
    timeout: connectTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: pingIntervalMs,
    maxPingOut: 2,
    // A password that is changed on the server first must not end a running platform.
    ignoreAuthErrorAbort: true,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(credsFile === undefined ? {} : { authenticator: fileAuthenticator(credsFile) }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** A file as `nsc` writes it, or the seed of a user's key alone. */
function fileAuthenticator(file: string): Authenticator {
  const bytes = readSecret('natsCreds', file);
  const text = new TextDecoder().decode(bytes);
  if (text.includes('BEGIN NATS USER JWT')) return credsAuthenticator(bytes);
  const seed = userSeedIn(text);
  if (seed !== undefined) return nkeyAuthenticator(new TextEncoder().encode(seed));
  throw new TinderboxError('config', `setting natsCreds: ${file} has neither JWT and key of a user nor a user's seed`);
}

function readSecret(setting: string, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TinderboxError('config', `setting ${setting}: ${file} cannot be read (${code})`, { cause: error });
  }
}

/** Text of these two classes is the client's own, of nothing that was given to it. */
function connectFailure(error: unknown, { servers }: NatsAccess): TinderboxError {
  if (error instanceof TinderboxError) return error;
  const where = servers.join(', ');
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'AuthorizationError' || name === 'UserAuthenticationExpiredError') {
    return new TinderboxError('config', `NATS at ${where} refuses these credentials`, {
      hint: 'see the settings natsUser, natsPassword, natsToken and natsCreds',
    });
  }
  if (/tls|certificate|self.signed/i.test(message)) {
    return new TinderboxError('config', `NATS at ${where} and this platform do not agree on TLS: ${message}`, {
      hint: 'see the settings natsTlsCa, natsTlsCert and natsTlsKey',
    });
  }
  return new TinderboxError('unavailable', `NATS at ${where} does not answer`, { retryAfterMs: 1000, cause: error });
}

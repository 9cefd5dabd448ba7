import { readFileSync } from 'node:fs';
import { connect, credsAuthenticator, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { TinderboxError } from '../../model/errors.ts';
import type { NatsAccess } from '../../model/nats-access.ts';

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
  const { servers, user, password, token, credsFile, tls } = access;
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
    ...(credsFile === undefined ? {} : { authenticator: credsAuthenticator(readSecret('natsCreds', credsFile)) }),
    ...(tls === undefined ? {} : { tls }),
  };
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

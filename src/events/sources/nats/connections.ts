import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Authenticator, NatsConnection } from '@nats-io/transport-node';
import { TinderboxError } from '../../../model/errors.ts';
import { type NatsAccess, tlsOptions, userSeedIn } from '../../../model/nats-access.ts';
import { redialDelayMs } from '../decide-delivery.ts';
import type { SourceEvents } from '../source.ts';

/** Where a NATS server is, and who calls. */
export interface NatsAddress extends NatsAccess {
  /** A credentials file's text, a user's seed, `user:password`, or a token; in place of those of the access. */
  readonly credentials?: string;
}

/** A share of a connection. */
export interface NatsLink {
  readonly connection: NatsConnection;
  /** Calls back when the connection was lost and is there again. */
  onReconnect(listener: () => void): void;
  /** Closes the connection with its last link; others keep it, and `leave` takes this one's part off it. Idempotent. */
  release(leave?: () => void): Promise<void>;
}

/** Connections to NATS, one per address however many triggers are there. */
export interface NatsConnections {
  /** Rejects with `unavailable` when nobody answers or the credentials are refused. */
  open(address: NatsAddress, events: SourceEvents): Promise<NatsLink>;
}

interface Shared {
  readonly connecting: Promise<NatsConnection>;
  readonly links: Set<{ readonly events: SourceEvents; again: () => void }>;
}

const connectTimeoutMs = 5000;

export function createNatsConnections(): NatsConnections {
  const all = new Map<string, Shared>();
  return {
    async open(address, events) {
      const key = keyOf(address);
      const shared = all.get(key) ?? share(address);
      all.set(key, shared);
      const link = { events, again: (): void => undefined };
      shared.links.add(link);
      const drop = (): void => {
        shared.links.delete(link);
        if (shared.links.size === 0 && all.get(key) === shared) all.delete(key);
      };
      let connection: NatsConnection;
      try {
        connection = await shared.connecting;
      } catch (reason) {
        drop();
        throw reason;
      }
      void connection.closed().then(() => {
        if (all.get(key) === shared) all.delete(key);
      });
      return {
        connection,
        onReconnect: (listener) => (link.again = listener),
        async release(leave) {
          if (!shared.links.has(link)) return;
          drop();
          // Nothing is written before a close: the client has no ear for what becomes of it on a dead connection.
          if (shared.links.size === 0) await connection.close();
          else if (!connection.isClosed()) leave?.();
        },
      };
    },
  };
}

function keyOf(address: NatsAddress): string {
  return createHash('sha256').update(JSON.stringify(address)).digest('hex');
}

function share(address: NatsAddress): Shared {
  const links: Shared['links'] = new Set();
  return { links, connecting: connectTo(address, links) };
}

async function connectTo(address: NatsAddress, links: Shared['links']): Promise<NatsConnection> {
  // Loaded only where a trigger needs it.
  const { connect } = await import('@nats-io/transport-node');
  const { servers, user, password, token } = address;
  const tls = tlsOptions(address);
  let lostMs = performance.now();
  try {
    const connection = await connect({
      servers: [...servers],
      name: 'tinderbox',
      timeout: connectTimeoutMs,
      maxReconnectAttempts: -1,
      // The client asks for it more often than it tries.
      reconnectDelayHandler: () => redialDelayMs(performance.now() - lostMs, Math.random()),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { pass: password }),
      ...(token === undefined ? {} : { token }),
      ...(tls === undefined ? {} : { tls }),
      ...(await authenticated(address)),
    });
    void follow(connection, links, () => (lostMs = performance.now()));
    return connection;
  } catch (reason) {
    throw unavailable(servers, reason);
  }
}

async function authenticated({
  credentials,
  credsFile,
}: NatsAddress): Promise<{ readonly authenticator?: Authenticator }> {
  const text = credentials ?? (credsFile === undefined ? undefined : await readFile(credsFile, 'utf8'));
  return text === undefined ? {} : { authenticator: await authenticatorFrom(text) };
}

async function authenticatorFrom(text: string): Promise<Authenticator> {
  const { credsAuthenticator, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } = await import(
    '@nats-io/transport-node'
  );
  const plain = text.trim();
  if (plain.includes('BEGIN NATS USER JWT')) return credsAuthenticator(new TextEncoder().encode(text));
  const seed = userSeedIn(plain);
  if (seed !== undefined) return nkeyAuthenticator(new TextEncoder().encode(seed));
  const colon = plain.indexOf(':');
  if (colon < 0) return tokenAuthenticator(plain);
  return usernamePasswordAuthenticator(plain.slice(0, colon), plain.slice(colon + 1));
}

/** Passes on what becomes of the connection until it is closed for good. */
async function follow(connection: NatsConnection, links: Shared['links'], lost: () => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect') {
      lost();
      for (const { events } of links) events.disconnected('the connection to NATS was lost');
    }
    if (type !== 'reconnect') continue;
    for (const { events, again } of links) {
      events.connected();
      again();
    }
  }
}

function unavailable(servers: readonly string[], cause: unknown): TinderboxError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const shown = servers.map((server) => server.replace(/\/\/[^@/]*@/, '//')).join(', ');
  return new TinderboxError('unavailable', `NATS at ${shown}: ${reason}`, { cause });
}

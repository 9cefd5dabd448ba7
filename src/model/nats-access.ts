/** How NATS is reached. Addresses hold no credentials: they may be printed. */
export interface NatsAccess {
  /** `nats://host:port` or `tls://host:port`, tried in turn. */
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** A file as `nsc` writes it, JWT and key of a user, or one with the seed of a user's key. */
  readonly credsFile?: string;
  /** Files of the authorities trusted, and of this platform's certificate and its key. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
}

/** Without any the client would speak in the clear with a server that has no TLS, whatever its address says. */
export function tlsOptions({ servers, tls }: Pick<NatsAccess, 'servers' | 'tls'>): NatsAccess['tls'] {
  return tls ?? (servers.some((server) => server.startsWith('tls:')) ? {} : undefined);
}

/** The seed of a user's key in a text (nkeys: `SU` and 56 signs of base 32), which may be decorated; undefined: none. */
export function userSeedIn(text: string): string | undefined {
  return /^SU[A-Z2-7]{56}$/m.exec(text)?.[0];
}

/** How NATS is reached. Addresses hold no credentials: they may be printed. */
export interface NatsAccess {
  /** `nats://host:port` or `tls://host:port`, tried in turn. */
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** A file as `nsc` writes it: JWT and key of a user. */
  readonly credsFile?: string;
  /** Files of the authorities trusted, and of this platform's certificate and its key. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
}

import type { RequestListener } from 'node:http';
import type { Invoke } from '../model/invocation.ts';
import type { FunctionKey } from '../model/names.ts';
import type { AsyncDoor } from './async-call.ts';

export interface GatewayLimits {
  /** Largest request body. */
  readonly bodyBytes: number;
  /** Largest request head. */
  readonly headerBytes: number;
  /** Time a client has for its request head. */
  readonly headersTimeoutMs: number;
  /** Longest silence while a body is read from, or written to, a client. */
  readonly stallTimeoutMs: number;
}

export interface GatewayOptions {
  /** Address to listen on; port 0 takes a free one. */
  readonly config: { readonly host: string; readonly port: number; readonly limits: GatewayLimits };
  /** Connections at once; more are closed on arrival. Default 16,384. */
  readonly maxConnections?: number;
  /** Version told in `X-Served-By`. */
  readonly version: string;
  readonly invoke: Invoke;
  readonly routeExists: (key: FunctionKey) => boolean;
  /** Every path is this function's, and there is nothing else. Default: functions are below `/function/`. */
  readonly sole?: FunctionKey;
  /** Calls nobody waits for. */
  readonly async: AsyncDoor;
  /** Everything that is not of the data plane, once it may pass. */
  readonly control: RequestListener;
  readonly auth: { check(authorization: string | undefined): boolean };
  /** Origins whose pages may use the control plane with stored credentials, usually the portal's. Default none. */
  readonly trustedOrigins?: readonly string[];
  /** Address of the portal; `/` and `/ui/` lead there. Default none. */
  readonly portalUrl?: string;
}

/** The HTTP edge: functions for everyone, the control plane for who has credentials. */
export interface Gateway {
  /** Rejects with `conflict`, naming host and port, when they are taken. */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /** Accepts nothing new, lets what is under way end until the signal aborts, then cuts the rest off. Idempotent. */
  close(signal: AbortSignal): Promise<void>;
}

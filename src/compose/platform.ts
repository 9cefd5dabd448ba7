import type { Abilities } from '../sandbox/sandbox.ts';

/** A running platform, as `tinderbox up` sees it. */
export interface Platform {
  readonly url: string;
  readonly portalUrl: string;
  readonly metricsUrl: string;
  readonly user: string;
  readonly passwordFile: string;
  /** Present when it was made just now. */
  readonly newPassword: string | undefined;
  readonly abilities: Abilities;
  /** Drains calls, stops instances, lets go of everything in reverse order. Idempotent. */
  close(): Promise<void>;
}

/** What the composition needs besides the configuration. */
export interface PlatformOptions {
  /** Folder with the portal's page. */
  readonly portalDir: string;
  /** File of the store of functions that comes along. */
  readonly storeFile: string;
  readonly version: string;
}

import type { Connection } from './connection.ts';
import { isObject } from './read-reply.ts';
import type { Result } from './result.ts';

interface VersionInfo {
  readonly release: string;
  readonly sha: string;
  readonly commit_message?: string;
}

/** OpenFaaS's answer of `GET /system/info`. */
export interface PlatformInfo {
  readonly provider: { readonly provider: string; readonly orchestration: string; readonly version: VersionInfo };
  readonly version: VersionInfo;
  readonly arch: string;
  /** Where stored calls live, when that is not the platform's own disk, and what is kept there only in part. */
  readonly queue?: { readonly name: string; readonly about: string; readonly limits: readonly string[] };
}

export interface InfoClient {
  get(timeoutMs?: number): Promise<Result<PlatformInfo>>;
}

export function createInfoClient(connection: Connection): InfoClient {
  return { get: (timeoutMs = 10_000) => connection.json({ method: 'GET', path: '/system/info', timeoutMs }, isInfo) };
}

function isInfo(value: unknown): boolean {
  const { provider, version } = (value ?? {}) as Partial<PlatformInfo>;
  return isObject(version) && isObject(provider?.version);
}

import type { Backbone } from '../queue/queue.ts';
import type { PlatformVersion } from './api-parts.ts';

/** OpenFaaS's answer of `GET /system/info`; no part of it is empty, as strict clients check. */
export interface PlatformInfo {
  readonly provider: {
    readonly provider: string;
    readonly version: { readonly sha: string; readonly release: string };
    readonly orchestration: string;
  };
  readonly version: { readonly commit_message: string; readonly sha: string; readonly release: string };
  readonly arch: string;
  /** Where stored calls live, when that is not this platform's own disk, and what is kept there only in part. */
  readonly queue?: Backbone;
}

const archNames: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'arm64', arm: 'armhf' };

/** `arch`: Node's name of the processor, told as OpenFaaS's function store names images. */
export function formatInfo(
  { release, sha, commitMessage }: PlatformVersion,
  backbone?: Backbone,
  arch: string = process.arch,
): PlatformInfo {
  return {
    ...(backbone === undefined || backbone.name === 'sqlite' ? {} : { queue: backbone }),
    provider: { provider: 'tinderbox', version: { sha, release }, orchestration: 'tinderbox' },
    version: { commit_message: commitMessage, sha, release },
    arch: archNames[arch] ?? arch,
  };
}

import { readdirSync } from 'node:fs';

/** Everything of this machine and this builder that shapes a build whatever the language. */
export interface HostFacts {
  readonly builder: string;
  readonly arch: string;
  /** `glibc 2.36`, `musl`, or the operating system's name where neither applies. */
  readonly libc: string;
}

/** Grows when the builder makes something else of the same source; older artifacts are then no longer equal. */
export const builderVersion = 'tinderbox-builder 2';

/** Looks once; a report of the running Node names the C library. */
export function readHostFacts(): HostFacts {
  return { builder: builderVersion, arch: process.arch, libc: readLibc() };
}

function readLibc(): string {
  if (process.platform !== 'linux') return process.platform;
  // Without this it asks name servers about every open socket.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const glibc = report.header?.glibcVersionRuntime;
  if (glibc !== undefined) return `glibc ${glibc}`;
  const loader = readdirSync('/lib').find((name) => name.startsWith('ld-musl-'));
  return loader === undefined ? 'unknown' : 'musl';
}

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { aptGet } from './apt-get.ts';

/** What a suite needs of the machine. */
export interface Toolchain {
  /** Programs that have to be there, each found on the path of builds. */
  readonly programs: readonly string[];
  /** Debian's packages with them, installed where root and apt are there. */
  readonly packages: readonly string[];
  /** Further files that have to be there, such as headers. */
  readonly files?: readonly string[];
}

/** Where builds and functions look for programs; a developer's own folders do not count. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin';

/** Programs that are missing also after an attempt to install them. */
export function installToolchain({ programs, packages, files = [] }: Toolchain): readonly string[] {
  const missing = missingOf(programs, files);
  if (missing.length === 0 || packages.length === 0 || process.getuid?.() !== 0) return missing;
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  if (!aptGet(install)) {
    aptGet(['update']);
    aptGet(install);
  }
  return missingOf(programs, files);
}

function missingOf(programs: readonly string[], files: readonly string[]): readonly string[] {
  const env = { PATH: systemPath };
  const found = (name: string): boolean => spawnSync('/bin/sh', ['-c', `command -v ${name}`], { env }).status === 0;
  return [...programs.filter((name) => !found(name)), ...files.filter((file) => !existsSync(file))];
}

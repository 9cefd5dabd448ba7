import { spawnSync } from 'node:child_process';

/** What a suite needs of the machine. */
export interface Toolchain {
  /** Programs that have to be there, each found on the path of builds. */
  readonly programs: readonly string[];
  /** Debian's packages with them, installed where root and apt are there. */
  readonly packages: readonly string[];
}

/** Where builds and functions look for programs; a developer's own folders do not count. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin';

/** Programs that are missing also after an attempt to install them. */
export function installToolchain({ programs, packages }: Toolchain): readonly string[] {
  const missing = missingOf(programs);
  if (missing.length === 0 || packages.length === 0 || process.getuid?.() !== 0) return missing;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  if (spawnSync('apt-get', install, { env }).status !== 0) {
    spawnSync('apt-get', ['update'], { env });
    spawnSync('apt-get', install, { env });
  }
  return missingOf(programs);
}

function missingOf(programs: readonly string[]): readonly string[] {
  const env = { PATH: systemPath };
  return programs.filter((name) => spawnSync('/bin/sh', ['-c', `command -v ${name}`], { env }).status !== 0);
}

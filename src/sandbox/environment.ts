import { TinderboxError } from '../model/errors.ts';

/** An environment parted by when it may appear. */
export interface PartedEnvironment {
  /** Harmless to the launcher, which may still be root. */
  readonly early: Readonly<Record<string, string>>;
  /** `NAME=value` given by env(1) only after the identity has changed. */
  readonly late: readonly string[];
}

/**
 * The launcher runs with the platform's rights, so a variable that steers the dynamic loader, the C library, a shell
 * or libmount must not reach it: a function's LD_PRELOAD would be code running as root. Names a shell would drop are
 * late too. Late values stand in the command line for some milliseconds, where other users can see them.
 */
export function partEnvironment(env: Readonly<Record<string, string>>): PartedEnvironment {
  const early: Record<string, string> = {};
  const late: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    assertVariable(name, value);
    if (isHarmless(name)) early[name] = value;
    else late.push(`${name}=${value}`);
  }
  return { early, late };
}

const steeringPrefix =
  /^(LD_|DYLD_|GLIBC_|MALLOC_|BASH_|GCONV_|GETCONF_|LIBMOUNT_|LIBBLKID_|LIBSMARTCOLS_|NIS_|RESOLV_)/;
/** Whole names where a prefix would take in what may be a secret (`RESEND_API_KEY`): late values can be seen. */
const steeringNames = new Set(
  (
    'ENV BASH BASHOPTS SHELLOPTS IFS CDPATH PS1 PS2 PS4 PWD OLDPWD SHLVL _ OPTIND PPID POSIXLY_CORRECT HOSTALIASES ' +
    'TZDIR LOCPATH LOCALDOMAIN NLSPATH RES_OPTIONS'
  ).split(' '),
);

function isHarmless(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !steeringPrefix.test(name) && !steeringNames.has(name);
}

function assertVariable(name: string, value: string): void {
  if (name === '' || name.includes('=') || name.includes('\0')) {
    throw new TinderboxError(
      'invalid',
      `environment variable name ${JSON.stringify(name)} is empty or has "=" or NUL in it`,
    );
  }
  if (value.includes('\0'))
    throw new TinderboxError('invalid', `environment variable ${name} has a NUL byte in its value`);
}

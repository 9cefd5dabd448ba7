import type { Workload } from '../engine.ts';

/** What an instance's environment depends on besides its workload. */
export interface EnvPlaces {
  readonly home: string;
  readonly tmp: string;
  readonly secrets: string;
  /** Directories of executables. */
  readonly path: string;
  /** Only for programs that serve HTTP themselves. */
  readonly port?: number;
}

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The whole environment of a function: what was deployed, plus what OpenFaaS promises. PATH may be set at deploy; the
 * other names are the platform's word.
 */
export function functionEnv(workload: Workload, places: EnvPlaces): Record<string, string> {
  const process = workload.process ?? workload.artifact.manifest.process;
  return {
    PATH: places.path,
    ...(process === undefined ? {} : { fprocess: process }),
    ...workload.artifact.manifest.env,
    ...workload.env,
    OPENFAAS_NAME: workload.name,
    OPENFAAS_NAMESPACE: workload.namespace,
    OPENFAAS_SECRETS_DIR: places.secrets,
    HOME: places.home,
    TMPDIR: places.tmp,
    ...(places.port === undefined ? {} : { PORT: String(places.port) }),
  };
}

/** Variables a process reads only when it starts: a warm process cannot be given them any more. */
const startBound =
  /^(LD_|DYLD_|GLIBC_|MALLOC_|NODE_|UV_|PYTHON|LC_|OPENSSL_)|^(LANG|LANGUAGE|TZ|TZDIR|SSL_CERT_FILE|SSL_CERT_DIR)$/;

/** Whether the deployed environment has something that must be there from the first instruction. */
export function hasStartBoundEnv(env: Readonly<Record<string, string>>): boolean {
  return Object.keys(env).some((name) => startBound.test(name));
}

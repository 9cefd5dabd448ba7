import { notice } from '../observe/channels.ts';
import type { Confined, ConfineRequest, Sandbox } from '../sandbox/sandbox.ts';
import { buildSecretsTarget, SecretFiles } from '../sandbox/secret-files.ts';

/** Values a build may read and that are to stay nowhere: not in the artifact, the log, or a command line. */
export type BuildSecrets = Readonly<Record<string, Buffer>>;

/** Shorter pieces would black out half a log, and are no secret worth the name. */
const shortestMasked = 6;

/** Names a package manager's own settings file may be sent under, and the variable that leads to it. */
const settingsFiles: Readonly<Record<string, string>> = {
  npmrc: 'NPM_CONFIG_USERCONFIG',
  'pip.conf': 'PIP_CONFIG_FILE',
  netrc: 'NETRC',
};

/** Gives secrets to the confined steps of builds, as files in memory. */
export class SecretGiver {
  readonly #files: SecretFiles;
  readonly #sandbox: Sandbox;

  /** `runDir`: the platform's; secrets lie below it only where no memory file system can be had. */
  constructor(runDir: string, sandbox: Sandbox) {
    this.#files = new SecretFiles(`${runDir}/build`);
    this.#sandbox = sandbox;
    if (this.#files.missing !== undefined) {
      notice.publish({ level: 'warn', part: 'builder', message: `build ${this.#files.missing}` });
    }
  }

  /** Folder with the secrets of each build under way. */
  get root(): string {
    return this.#files.root;
  }

  /** Confines a step that sees the secrets at `/run/secrets`, or wherever `$OPENFAAS_SECRETS_DIR` says. */
  async confine(request: ConfineRequest, id: string, secrets: BuildSecrets): Promise<Confined> {
    if (Object.keys(secrets).length === 0) return this.#sandbox.confine(request);
    // Each step has its own: what a step made of the folder before is no matter of the next.
    await this.#files.remove(id);
    const directory = this.#files.prepare(id);
    this.#files.write(id, secrets, request.identity);
    const bind = { source: directory, target: buildSecretsTarget, readOnly: true };
    const confined = await this.#sandbox.confine({ ...request, binds: [...request.binds, bind] });
    const { mountNamespace, missing } = confined.protections;
    const bound = mountNamespace && !missing.some((text) => text.startsWith(buildSecretsTarget));
    return { ...confined, env: { ...confined.env, ...variables(bound ? buildSecretsTarget : directory, secrets) } };
  }

  /** Removes what a platform that was killed left behind. */
  sweep(): Promise<void> {
    return this.#files.sweep(new Set());
  }

  remove(id: string): Promise<void> {
    return this.#files.remove(id);
  }

  close(): Promise<void> {
    return this.#files.close();
  }
}

function variables(directory: string, secrets: BuildSecrets): Record<string, string> {
  const found = Object.keys(secrets).flatMap((name) => {
    const variable = settingsFiles[name.replace(/^\./, '')];
    return variable === undefined ? [] : [[variable, `${directory}/${name}`] as const];
  });
  return { OPENFAAS_SECRETS_DIR: directory, ...Object.fromEntries(found) };
}

/** Makes a text fit to be shown: whatever line of a secret is in it becomes `***`. */
export function createMask(secrets: BuildSecrets): (text: string) => string {
  const pieces = Object.values(secrets)
    .flatMap((value) => value.toString('utf8').split(/\r?\n/))
    .map((line) => line.trim())
    .filter((line) => line.length >= shortestMasked)
    .sort((a, b) => b.length - a.length);
  return (text) => pieces.reduce((masked, piece) => masked.replaceAll(piece, '***'), text);
}

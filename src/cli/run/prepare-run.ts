import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packSource } from '../../client/pack-source.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { FunctionSpec } from '../../model/function.ts';
import { defaultNamespace } from '../../model/names.ts';
import type { BuildFlags } from '../rollout/build-flags.ts';
import { packConfigOf } from '../rollout/build-functions.ts';
import { type BuildTarget, programOf } from '../rollout/build-target.ts';
import type { SpecFlags } from '../rollout/deploy-flags.ts';
import { deploymentFrom } from '../rollout/deployment.ts';
import { type FunctionFlags, loadProject } from '../rollout/load-project.ts';
import { resolveTarget } from '../rollout/resolve-target.ts';
import { readSingleFile } from '../rollout/single-file.ts';
import { loadEnvironment } from '../stack/environment-file.ts';
import type { StackFlags } from '../flags/stack-flags.ts';
import type { Shell } from '../terminal/shell.ts';

/** What `runFunction` needs of a function. */
export interface PreparedRun {
  readonly spec: FunctionSpec;
  readonly secrets: Readonly<Record<string, Buffer>>;
  readonly target: BuildTarget;
  /** The source, packed anew with each call. */
  pack(): ReturnType<typeof packSource>;
}

export type RunFlags = StackFlags & BuildFlags & FunctionFlags & SpecFlags;

/**
 * The function that is meant: a file, a name of the stack file, its only function, or the one that the flags are. Secrets
 * come from `.secrets/NAME`. Throws `invalid` when several could be meant, `not-found` for a secret without its file.
 */
export async function prepareRun(shell: Shell, what: string | undefined, flags: RunFlags): Promise<PreparedRun> {
  if (what !== undefined && /\.[a-z]+$/i.test(what)) return prepareFile(shell, what, flags);
  const project = await loadProject(shell, flags);
  const functions = what === undefined ? project.functions : project.functions.filter(({ name }) => name === what);
  const [fn] = functions;
  if (fn === undefined || functions.length > 1) {
    throw new TinderboxError('invalid', fn === undefined ? `there is no function ${what}` : 'which function?', {
      hint: `give one of: ${project.functions.map(({ name }) => name).join(', ')}`,
    });
  }
  const environment = await loadEnvironment(fn);
  const spec = specOf(deploymentFrom(fn, environment, flags));
  const target = await resolveTarget(shell, project, fn, { ...environment, ...flags.env }, flags);
  return prepared(shell, spec, target);
}

async function prepareFile(shell: Shell, file: string, flags: RunFlags): Promise<PreparedRun> {
  const { name, language, path, process } = await readSingleFile(shell.cwd, file, flags.name);
  const spec = specOf(deploymentFrom({ name, image: flags.image ?? name }, {}, flags));
  const target: BuildTarget = {
    name,
    namespace: spec.namespace,
    image: spec.image,
    source: path,
    language,
    ...programOf(language, flags.fprocess ?? process, flags.env ?? {}),
    buildArgs: flags.buildArg ?? {},
    noCache: true,
  };
  return prepared(shell, spec, target);
}

async function prepared(shell: Shell, spec: FunctionSpec, target: BuildTarget): Promise<PreparedRun> {
  if (target.buildSecrets !== undefined) {
    shell.stderr.write(`warning: ${target.name}: its build gets no build_secrets: they are sealed for a platform\n`);
  }
  const secrets = await Promise.all(spec.secrets.map(async (name) => [name, await readSecret(shell, name)] as const));
  return {
    spec,
    target,
    secrets: Object.fromEntries(secrets),
    pack: () => packSource(target.source, packConfigOf(target)),
  };
}

async function readSecret(shell: Shell, name: string): Promise<Buffer> {
  return readFile(join(shell.cwd, '.secrets', name)).catch((cause: Error) => {
    throw new TinderboxError('not-found', `secret ${name} has no file .secrets/${name}`, {
      hint: 'without a platform secrets are read from the folder .secrets',
      cause,
    });
  });
}

function specOf(deployment: ReturnType<typeof deploymentFrom>): FunctionSpec {
  const { service, namespace, secrets, labels, annotations, envVars, ...rest } = deployment;
  return {
    ...rest,
    name: service,
    namespace: namespace ?? defaultNamespace,
    // What faas-cli sets for a local run, so that function authentication of OpenFaaS's templates is content.
    envVars: { jwt_auth_local: 'true', ...envVars },
    secrets: secrets ?? [],
    labels: { ...labels },
    annotations: { ...annotations },
  };
}

import type { Workload } from '../engine/engine.ts';
import type { Artifact } from '../model/artifact.ts';
import type { FunctionSpec } from '../model/function.ts';
import type { RevisionId } from '../model/names.ts';
import { resolveSettings } from '../model/settings.ts';

/** What a workload is made of; `uid`: its own user, where it has one. */
export interface WorkloadParts {
  readonly revision: RevisionId;
  readonly spec: FunctionSpec;
  readonly artifact: Artifact;
  readonly uid: number | undefined;
  readonly secrets: Workload['secrets'];
}

/** What an engine is given to run a function. */
export function formWorkload({ revision, spec, artifact, uid, secrets }: WorkloadParts): Workload {
  return {
    revision,
    namespace: spec.namespace,
    name: spec.name,
    ...(uid === undefined ? {} : { identity: { uid, gid: uid } }),
    artifact,
    ...(spec.envProcess === undefined ? {} : { process: spec.envProcess }),
    env: { ...spec.envVars, OPENFAAS_NAME: spec.name, OPENFAAS_NAMESPACE: spec.namespace },
    secrets,
    settings: resolveSettings(spec),
    readOnlyRootFilesystem: spec.readOnlyRootFilesystem === true,
  };
}

import type { Builder } from '../builder/builder.ts';
import type { Workload } from '../engine/engine.ts';
import type { Identities } from '../identity/identities.ts';
import { TinderboxError } from '../model/errors.ts';
import type { FunctionSpec, RevisionRecord } from '../model/function.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { formWorkload } from './form-workload.ts';

/** Where the parts of a workload come from. */
export interface WorkloadSources {
  readonly builder: Pick<Builder, 'artifact'>;
  readonly secrets: Pick<Secrets, 'get'>;
  /** Undefined where the platform cannot change users. */
  readonly identities: Identities | undefined;
}

/**
 * Turns a revision's record into what the engine runs: the artifact by digest, the secrets' bytes as they are now, and
 * the function's own user. Rejects with `cannot-start`, naming what is missing and what to do about it.
 */
export async function createWorkload(record: RevisionRecord, sources: WorkloadSources): Promise<Workload> {
  const { spec, id } = record;
  const artifact = await sources.builder.artifact(record.artifact);
  if (artifact === undefined) {
    throw new TinderboxError(
      'cannot-start',
      `${id} cannot start: what was built as image "${spec.image}" (${record.artifact.slice(0, 19)}…) is gone`,
      { hint: `build "${spec.image}" again with \`tinderbox build\` and deploy it` },
    );
  }
  const uid = await sources.identities?.assign('function', formatOwner(spec.namespace, spec.name));
  const secrets = await readSecrets(spec, id, sources.secrets);
  return formWorkload({ revision: id, spec, artifact, uid, secrets });
}

/** Who owns a function's user id. */
export function formatOwner(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

async function readSecrets(
  spec: FunctionSpec,
  id: string,
  secrets: Pick<Secrets, 'get'>,
): Promise<Record<string, Buffer>> {
  const values: Record<string, Buffer> = {};
  for (const name of spec.secrets) {
    const secret = await secrets.get(spec.namespace, name);
    if (secret === undefined) {
      throw new TinderboxError(
        'cannot-start',
        `${id} cannot start: its secret "${name}" is not in namespace "${spec.namespace}" any more`,
        { hint: `create the secret "${name}" and deploy the function again` },
      );
    }
    values[name] = secret.value;
  }
  return values;
}

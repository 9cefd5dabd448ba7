import { TinderboxError } from '../model/errors.ts';
import type { FunctionRecord, FunctionSpec, RevisionRecord } from '../model/function.ts';
import { formatFunctionKey, formatRevisionId } from '../model/names.ts';
import { formatFunctionRecordKey, formatRetiredRecordKey, formatRevisionRecordKey } from '../model/record-keys.ts';
import { resolveSettings } from '../model/settings.ts';
import type { ApiParts } from './api-parts.ts';
import {
  assertNamespaceExists,
  findFunction,
  highestRevision,
  listFunctions,
  requireFunction,
  unknownFunction,
} from './catalog.ts';
import { countReady, type FunctionStatus, formatStatus, revisionOf } from './function-status.ts';
import { assertNamespaceStays } from './namespace-life.ts';
import { changeFunction } from './change-function.ts';
import { createKeyedSerial } from '../store/keyed-serial.ts';

/**
 * Functions as their users wish them. What it writes is one accepted order: the revision first, then the function
 * record that names it, so that a crash in between leaves a revision nobody refers to and no half deploy.
 */
export interface Functions {
  list(namespace: string): readonly FunctionStatus[];
  /** With `usage` also what its instances use. Rejects with `not-found`. */
  get(namespace: string, name: string, usage: boolean): Promise<FunctionStatus>;
  /** Rejects with `conflict` when it exists, `invalid` for what could never run here. */
  create(spec: FunctionSpec): Promise<void>;
  /** Makes a new revision, also of an identical spec. Rejects with `not-found` or `invalid`. */
  update(spec: FunctionSpec): Promise<void>;
  remove(namespace: string, name: string): Promise<void>;
}

/** What of the API's parts functions need. */
type FunctionParts = Omit<
  ApiParts,
  'sourceDir' | 'version' | 'signatures' | 'sealed' | 'calls' | 'schedules' | 'triggers'
>;

export function createFunctions(parts: FunctionParts): Functions {
  const { catalog, engine, scaler } = parts;
  const inTurn = createKeyedSerial();

  const statusOf = (record: FunctionRecord, ready: ReturnType<typeof countReady>): FunctionStatus => {
    const revision = revisionOf(record);
    return formatStatus(record, {
      replicas: scaler.counts().get(revision) ?? record.replicas,
      availableReplicas: ready.get(revision) ?? 0,
    });
  };

  return {
    list(namespace) {
      const ready = countReady(engine.instances());
      return listFunctions(catalog, namespace).map((record) => ({
        ...statusOf(record, ready),
        invocationCount: parts.invocationCount?.(formatFunctionKey(namespace, record.spec.name)) ?? 0,
      }));
    },
    async get(namespace, name, usage) {
      const record = requireFunction(catalog, namespace, name);
      const status = statusOf(record, countReady(engine.instances()));
      if (!usage) return status;
      const used = await parts.usage?.(engine.instances().filter(({ revision }) => revision === revisionOf(record)));
      return used === undefined ? status : { ...status, usage: used };
    },
    create: (spec) => inTurn(formatFunctionRecordKey(spec.namespace, spec.name), () => create(spec, parts)),
    update: (spec) => inTurn(formatFunctionRecordKey(spec.namespace, spec.name), () => update(spec, parts)),
    remove: (namespace, name) => inTurn(formatFunctionRecordKey(namespace, name), () => remove(namespace, name, parts)),
  };
}

async function create(spec: FunctionSpec, parts: FunctionParts): Promise<void> {
  const { namespace, name } = spec;
  if (findFunction(parts.catalog, namespace, name) !== undefined) {
    throw new TinderboxError('conflict', `function "${name}" exists already in namespace "${namespace}"`);
  }
  const { number, createdAt } = await writeRevision(spec, parts);
  try {
    await assertNamespaceStays(parts.store, namespace);
  } catch (reason) {
    await parts.catalog.revisions.delete(formatRevisionRecordKey(formatRevisionId(namespace, name, number)));
    throw reason;
  }
  const { scaling } = resolveSettings(spec);
  const record: FunctionRecord = { spec, latest: number, replicas: Math.max(1, scaling.min), createdAt };
  await parts.catalog.functions.put(formatFunctionRecordKey(namespace, name), record, 0);
}

async function update(spec: FunctionSpec, parts: FunctionParts): Promise<void> {
  requireFunction(parts.catalog, spec.namespace, spec.name);
  const { number } = await writeRevision(spec, parts);
  const { scaling } = resolveSettings(spec);
  await changeFunction(parts, spec.namespace, spec.name, (record) => ({
    ...record,
    spec,
    latest: number,
    replicas: Math.min(scaling.max, Math.max(1, scaling.min, record.replicas)),
  }));
}

async function writeRevision(
  spec: FunctionSpec,
  parts: FunctionParts,
): Promise<{ readonly number: number; readonly createdAt: string }> {
  const { namespace, name } = spec;
  assertNamespaceExists(parts.catalog, namespace);
  assertFits(spec, parts);
  const [artifact, secretVersions] = [await resolveImage(spec, parts), await readSecretVersions(spec, parts)];
  const number = highestRevision(parts.catalog, namespace, name) + 1;
  const id = formatRevisionId(namespace, name, number);
  const createdAt = new Date().toISOString();
  const revision: RevisionRecord = { id, spec, artifact, secretVersions, state: 'pending', createdAt };
  await parts.catalog.revisions.put(formatRevisionRecordKey(id), revision, 0);
  return { number, createdAt };
}

function assertFits(spec: FunctionSpec, { hostMemoryBytes = Number.POSITIVE_INFINITY }: FunctionParts): void {
  if (resolveSettings(spec).memoryBytes <= hostMemoryBytes) return;
  const promised = `${Math.floor(hostMemoryBytes / 2 ** 20)}Mi`;
  const asked = spec.limits?.memory === undefined ? 'the default' : `"${spec.limits.memory}"`;
  throw new TinderboxError(
    'invalid',
    `limits.memory ${asked} is above the ${promised} all instances may have together`,
    {
      hint: 'ask for less, or raise budget.memory',
    },
  );
}

async function resolveImage(spec: FunctionSpec, parts: FunctionParts): Promise<string> {
  const artifact = await parts.builder.resolve(spec.image);
  if (artifact !== undefined) return artifact.digest;
  throw new TinderboxError(
    'invalid',
    `image "${spec.image}" is not known here: the ${parts.engine.name} engine runs images built here by \`tinderbox build\``,
    {
      hint: `build it with \`tinderbox build\` under the name "${spec.image}"; \`GET /system/images\` lists what is there`,
    },
  );
}

async function readSecretVersions(spec: FunctionSpec, parts: FunctionParts): Promise<Record<string, number>> {
  const versions: Record<string, number> = {};
  for (const name of spec.secrets) {
    const secret = await parts.secrets.get(spec.namespace, name);
    if (secret === undefined) {
      throw new TinderboxError('invalid', `secret "${name}" does not exist in namespace "${spec.namespace}"`, {
        hint: `create it with \`tinderbox secret create ${name}\``,
      });
    }
    versions[name] = secret.version;
  }
  return versions;
}

async function remove(namespace: string, name: string, parts: FunctionParts): Promise<void> {
  const { catalog, store } = parts;
  requireFunction(catalog, namespace, name);
  // Which numbers are used up is on disk before the function is gone: a new one of this name goes on from there.
  const latest = highestRevision(catalog, namespace, name);
  await catalog.retired.put(formatRetiredRecordKey(namespace, name), { latest, deletedAt: new Date().toISOString() });
  const key = formatFunctionRecordKey(namespace, name);
  if ((await store.get(key)) === undefined) throw unknownFunction(namespace, name);
  await catalog.functions.delete(key);
}

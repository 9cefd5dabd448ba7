import { TinderboxError } from '../model/errors.ts';
import type { FunctionRecord } from '../model/function.ts';
import { formatFunctionRecordKey, formatTriggerRecordKey, recordFolders } from '../model/record-keys.ts';
import { formatTriggerKey, type TriggerRecord, type TriggerSpec, type TriggerStatus } from '../model/trigger.ts';
import { annotationTriggers, isAnnotationName } from '../events/triggers/annotation-triggers.ts';
import { nextRunsOf } from '../events/triggers/trigger-schedules.ts';
import type { TriggerHost } from '../events/triggers/trigger-host.ts';
import type { ApiParts } from './api-parts.ts';
import { findFunction, listFunctions } from './catalog.ts';
import type { ParsedTrigger } from './parse-trigger.ts';

/** What the API asks of the triggers that run. */
export interface RunningTriggers extends Pick<TriggerHost, 'status'> {
  /** Whether the platform has a NATS server of its own. */
  readonly nats: boolean;
}

/** What sets functions off: what is stored, and what annotations of functions say. */
export interface Triggers {
  /** By name; of one function, or of all of the namespace. */
  list(namespace: string, functionName: string | undefined): Promise<readonly TriggerStatus[]>;
  /** Rejects with `not-found`. */
  get(namespace: string, name: string): Promise<TriggerStatus>;
  /** Rejects with `conflict` when it exists, `invalid` without its function. */
  create(parsed: ParsedTrigger): Promise<void>;
  /** Rejects with `not-found`, `forbidden` for one of an annotation, `conflict` when somebody else wrote meanwhile. */
  replace(parsed: ParsedTrigger): Promise<void>;
  setPaused(namespace: string, name: string, paused: boolean): Promise<void>;
  remove(namespace: string, name: string): Promise<void>;
}

type TriggerParts = Pick<ApiParts, 'catalog' | 'store' | 'triggers'>;

/** Due times told of one trigger, and of each in a list. */
const [mostRuns, mostRunsListed] = [5, 1];
const mostTries = 20;

export function createTriggers(parts: TriggerParts): Triggers {
  return {
    async list(namespace, functionName) {
      const stored = storedIn(parts, namespace);
      const functions = listFunctions(parts.catalog, namespace);
      const annotated = functions.flatMap(({ spec }) => annotatedOf(parts, spec));
      const chosen = [...stored, ...annotated].filter(
        ({ spec }) => functionName === undefined || spec.function === functionName,
      );
      const all = chosen.toSorted((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
      return await Promise.all(all.map((one) => statusOf(parts, one, mostRunsListed)));
    },
    async get(namespace, name) {
      return await statusOf(parts, requireTrigger(parts, namespace, name), mostRuns);
    },
    create: (parsed) => create(parts, parsed),
    async replace({ spec, version }) {
      await change(parts, spec.namespace, spec.name, version, () => spec);
    },
    async setPaused(namespace, name, paused) {
      await change(parts, namespace, name, undefined, (spec) => ({ ...spec, paused }));
    },
    async remove(namespace, name) {
      assertOwn(requireTrigger(parts, namespace, name));
      if (await parts.catalog.triggers.delete(formatTriggerRecordKey(namespace, name))) return;
      throw unknownTrigger(namespace, name);
    },
  };
}

/** A trigger with what the store knows of it; without a version it is an annotation's. */
interface Found {
  readonly spec: TriggerSpec;
  readonly version?: number;
  readonly createdAt?: string;
}

function storedIn({ catalog }: TriggerParts, namespace: string): readonly Found[] {
  return catalog.triggers
    .children(`${recordFolders.triggers}${namespace}`)
    .map(({ value, version }) => ({ ...(value as TriggerRecord), version }))
    .filter(({ spec }) => findFunction(catalog, namespace, spec.function) !== undefined);
}

function annotatedOf({ triggers }: TriggerParts, spec: FunctionRecord['spec']): readonly Found[] {
  return annotationTriggers(spec, triggers.nats).map((made) => ({ spec: made }));
}

/** One whose function is gone is about to go, too. */
function requireTrigger(parts: TriggerParts, namespace: string, name: string): Found {
  if (isAnnotationName(name)) {
    const of = findFunction(parts.catalog, namespace, name.slice(0, name.indexOf(':')));
    const found = of === undefined ? undefined : annotatedOf(parts, of.spec).find(({ spec }) => spec.name === name);
    if (found !== undefined) return found;
    throw unknownTrigger(namespace, name);
  }
  const entry = parts.catalog.triggers.get(formatTriggerRecordKey(namespace, name));
  const record = entry?.value as TriggerRecord | undefined;
  const isThere = record !== undefined && findFunction(parts.catalog, namespace, record.spec.function) !== undefined;
  if (!isThere) throw unknownTrigger(namespace, name);
  return { ...record, version: entry?.version ?? 0 };
}

function assertOwn({ spec, version }: Found): void {
  if (version !== undefined) return;
  throw new TinderboxError(
    'forbidden',
    `trigger "${spec.name}" is made by an annotation of function "${spec.function}"`,
    {
      hint: 'change the annotation topic or schedule of the function',
    },
  );
}

async function create(parts: TriggerParts, { spec }: ParsedTrigger): Promise<void> {
  const { namespace, name } = spec;
  const key = formatTriggerRecordKey(namespace, name);
  await assertFunction(parts, spec);
  if (parts.catalog.triggers.get(key) !== undefined) {
    throw new TinderboxError('conflict', `trigger "${name}" exists already in namespace "${namespace}"`);
  }
  const record: TriggerRecord = { spec, createdAt: new Date().toISOString() };
  const version = await parts.catalog.triggers.put(key, record, 0);
  await keepWithFunction(parts, spec, version);
}

/** Writes what `make` makes of the present one, on top of what others wrote unless a version is asked for. */
async function change(
  parts: TriggerParts,
  namespace: string,
  name: string,
  wanted: number | undefined,
  make: (spec: TriggerSpec) => TriggerSpec,
): Promise<void> {
  assertOwn(requireTrigger(parts, namespace, name));
  const key = formatTriggerRecordKey(namespace, name);
  for (let tries = 1; ; tries += 1) {
    const entry = await parts.store.get(key);
    if (entry === undefined) throw unknownTrigger(namespace, name);
    if (wanted !== undefined && wanted !== entry.version) {
      throw new TinderboxError('conflict', `version: ${wanted} is not the present one, ${entry.version}`);
    }
    const record = entry.value as TriggerRecord;
    const spec = make(record.spec);
    await assertFunction(parts, spec);
    try {
      const version = await parts.catalog.triggers.put(key, { ...record, spec }, entry.version);
      return await keepWithFunction(parts, spec, version);
    } catch (reason) {
      if (TinderboxError.from(reason).code !== 'conflict' || tries === mostTries) throw reason;
    }
  }
}

async function assertFunction({ store }: TriggerParts, { namespace, function: name }: TriggerSpec): Promise<void> {
  if ((await store.get(formatFunctionRecordKey(namespace, name))) !== undefined) return;
  throw new TinderboxError('invalid', `function: "${name}" does not exist in namespace "${namespace}"`, {
    hint: `deploy it first`,
  });
}

/** Who deletes a function looks for its triggers afterwards; who makes one looks for the function. One sees the other. */
async function keepWithFunction(parts: TriggerParts, spec: TriggerSpec, version: number): Promise<void> {
  try {
    await assertFunction(parts, spec);
  } catch (reason) {
    await parts.catalog.triggers.delete(formatTriggerRecordKey(spec.namespace, spec.name), version).catch(() => false);
    throw reason;
  }
}

async function statusOf({ triggers }: TriggerParts, found: Found, runs: number): Promise<TriggerStatus> {
  const { spec, version, createdAt } = found;
  const { delivery, headers, schedule, nats } = spec;
  const status = await triggers.status(formatTriggerKey(spec));
  const next = nextRunsOf(spec, Date.now(), runs).map((ms) => new Date(ms).toISOString());
  return {
    name: spec.name,
    namespace: spec.namespace,
    function: spec.function,
    kind: spec.kind,
    method: spec.method,
    path: spec.path,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(nats === undefined ? {} : { nats }),
    paused: spec.paused,
    ...(delivery === undefined ? {} : deliveryStatus(delivery)),
    readOnly: version === undefined,
    ...(spec.origin === undefined ? {} : { origin: spec.origin }),
    ...(version === undefined ? {} : { version }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(schedule === undefined ? {} : { nextRuns: next }),
    ...(status === undefined ? {} : { status }),
  };
}

function deliveryStatus({ minWaitMs, maxWaitMs, ...rest }: NonNullable<TriggerSpec['delivery']>) {
  return { ...rest, minWait: `${minWaitMs}ms`, maxWait: `${maxWaitMs}ms` };
}

function unknownTrigger(namespace: string, name: string): TinderboxError {
  return new TinderboxError('not-found', `trigger "${name}" does not exist in namespace "${namespace}"`);
}

import { z } from 'zod';
import { parseSchedules } from '../events/schedule/parse-schedules.ts';
import { TinderboxError } from '../model/errors.ts';
import type { FunctionSpec, ResourceAmounts } from '../model/function.ts';
import { assertName, assertSecretName, defaultNamespace, formatFunctionKey } from '../model/names.ts';
import { parseCpu, parseMemory } from '../model/quantity.ts';
import { resolveSettings } from '../model/settings.ts';
import { parseFields } from './parse-json.ts';

/** Longest value of one environment variable: the kernel's limit for one string (128 KiB) with its name. */
const maxEnvChars = 128 * 1024 - 512;
/** All variables together; the kernel takes a quarter of the stack limit, 2 MiB by default. */
const maxEnvTotalChars = 1024 * 1024;

const noNul = (text: string): boolean => !text.includes('\0');
const text = (most: number): z.ZodString => z.string('is not a string').max(most, `has more than ${most} characters`);
const plain = (most: number): z.ZodType<string> => text(most).refine(noNul, 'contains a NUL character');
const orNothing = <T>(schema: z.ZodType<T>): z.ZodType<T | null | undefined> => schema.nullish();

function mapOf(
  key: z.ZodType<string, string>,
  value: z.ZodType<string>,
  most: number,
): z.ZodType<Record<string, string>> {
  return z
    .record(key, value, 'is not an object of strings')
    .refine((map) => Object.keys(map).length <= most, `has more than ${most} entries`) as z.ZodType<
    Record<string, string>
  >;
}

const key = text(253).min(1, 'an empty key is not allowed').refine(noNul, 'a key contains a NUL character');
const envName = text(253).regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/, 'the name must match [-._a-zA-Z][-._a-zA-Z0-9]*');
const amounts = z.strictObject(
  { memory: orNothing(text(64)), cpu: orNothing(text(64)) },
  'is not an object with memory and cpu',
);

/** OpenFaaS's FunctionDeployment; Go clients send null for what is not set. */
export const deployment = z.strictObject(
  {
    service: text(1024).min(1, 'is empty; give the name of the function'),
    image: plain(512).refine((image) => image !== '', 'is empty; give the name of an image'),
    namespace: orNothing(text(1024)),
    envProcess: orNothing(plain(8192)),
    envVars: orNothing(mapOf(envName, plain(maxEnvChars), 1000)),
    constraints: orNothing(z.array(plain(1024), 'is not a list').max(100, 'has more than 100 entries')),
    secrets: orNothing(z.array(text(1024), 'is not a list').max(100, 'has more than 100 entries')),
    labels: orNothing(mapOf(key, plain(4096), 200)),
    annotations: orNothing(mapOf(key, plain(256 * 1024), 200)),
    limits: orNothing(amounts),
    requests: orNothing(amounts),
    readOnlyRootFilesystem: orNothing(z.boolean('is neither true nor false')),
    // Sent by old clients and without effect.
    registryAuth: orNothing(z.unknown()),
    network: orNothing(z.unknown()),
  },
  'is not a JSON object',
);

/** OpenFaaS's DeleteFunctionRequest. */
export const deleteRequest = z.strictObject(
  { functionName: z.string('is not a string').nullish(), namespace: z.string('is not a string').nullish() },
  'is not a JSON object',
);

/**
 * Turns a FunctionDeployment into a spec: checked, complete and without empty parts. The namespace is the body's, else
 * that of the query, else the default. Throws `invalid`, naming the field, its value and the limit.
 */
export function parseDeployment(json: unknown, queryNamespace: string | undefined): FunctionSpec {
  const given = parseFields(deployment, json);
  const namespace = given.namespace || queryNamespace || defaultNamespace;
  assertName('function', given.service);
  assertName('namespace', namespace);
  const secrets = [...new Set(given.secrets ?? [])];
  for (const secret of secrets) assertSecretName(secret);
  assertEnv(given.envVars ?? {});
  const limits = amountsFrom('limits', given.limits);
  const requests = amountsFrom('requests', given.requests);
  const spec: FunctionSpec = {
    namespace,
    name: given.service,
    image: given.image,
    ...(given.envProcess ? { envProcess: given.envProcess } : {}),
    ...(hasEntries(given.envVars) ? { envVars: given.envVars } : {}),
    ...(given.constraints?.length ? { constraints: given.constraints } : {}),
    secrets,
    labels: given.labels ?? {},
    annotations: given.annotations ?? {},
    ...(limits === undefined ? {} : { limits }),
    ...(requests === undefined ? {} : { requests }),
    ...(given.readOnlyRootFilesystem ? { readOnlyRootFilesystem: true } : {}),
  };
  resolveSettings(spec);
  parseSchedules(formatFunctionKey(namespace, given.service), spec.annotations);
  return spec;
}

function assertEnv(envVars: Readonly<Record<string, string>>): void {
  let total = 0;
  for (const [name, value] of Object.entries(envVars)) {
    if (name.startsWith('TINDERBOX_')) {
      throw new TinderboxError('invalid', `envVars.${name}: names that begin with TINDERBOX_ belong to the platform`);
    }
    total += name.length + value.length;
  }
  if (total > maxEnvTotalChars) {
    throw new TinderboxError('invalid', `envVars have ${total} characters together, the limit is ${maxEnvTotalChars}`);
  }
}

function amountsFrom(
  field: 'limits' | 'requests',
  given: { memory?: string | null | undefined; cpu?: string | null | undefined } | null | undefined,
): ResourceAmounts | undefined {
  const { memory, cpu } = given ?? {};
  if (memory) parseMemory(memory, `${field}.memory`);
  if (cpu) parseCpu(cpu, `${field}.cpu`);
  const amounts = { ...(memory ? { memory } : {}), ...(cpu ? { cpu } : {}) };
  return hasEntries(amounts) ? amounts : undefined;
}

function hasEntries<T extends object>(map: T | null | undefined): map is T {
  return map !== null && map !== undefined && Object.keys(map).length > 0;
}

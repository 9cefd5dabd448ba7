import type { FunctionStatus } from '../../client/functions.ts';
import type { ResourceAmounts } from '../../model/function.ts';

/** A function as one text per attribute, so that two can be held against each other: `env.A`, `secret.x`, `limits.cpu`. */
export type Attributes = ReadonlyMap<string, string>;

export function attributesOf(fn: Omit<FunctionStatus, 'name'>): Attributes {
  return new Map<string, string>([
    ['image', fn.image],
    ...(fn.envProcess === undefined || fn.envProcess === '' ? [] : [['fprocess', fn.envProcess] as const]),
    ['readonly_root_filesystem', String(fn.readOnlyRootFilesystem === true)],
    ...mapped('env', fn.envVars),
    ...listed('secret', fn.secrets),
    ...listed('constraint', fn.constraints),
    ...mapped('label', withoutOwn(fn.labels)),
    ...mapped('annotation', fn.annotations),
    ...amounts('limits', fn.limits),
    ...amounts('requests', fn.requests),
  ]);
}

/** The label every platform adds by itself. */
function withoutOwn(labels: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const { faas_function: _, ...rest } = labels;
  return rest;
}

function mapped(kind: string, map: Readonly<Record<string, string>> = {}): readonly (readonly [string, string])[] {
  return Object.entries(map).map(([key, value]) => [`${kind}.${key}`, value] as const);
}

function listed(kind: string, list: readonly string[] = []): readonly (readonly [string, string])[] {
  return list.map((name) => [`${kind}.${name}`, 'present'] as const);
}

function amounts(kind: string, { cpu, memory }: ResourceAmounts = {}): readonly (readonly [string, string])[] {
  return [
    ...(cpu === undefined || cpu === '' ? [] : [[`${kind}.cpu`, cpu] as const]),
    ...(memory === undefined || memory === '' ? [] : [[`${kind}.memory`, memory] as const]),
  ];
}

import type { Description } from '../describe.ts';
import type { Instance, Protections } from '../../model/instance.ts';
import { summaryLine } from '../../model/summary-line.ts';

type Line = readonly [label: string, value: string | readonly string[]];

/** Key and value per line, in faas-cli's order and words, then what only tinderbox knows. */
export function formatDescription(fn: Description): string {
  const lines: readonly Line[] = [...statusLines(fn), ...specLines(fn), ...runtimeLines(fn)];
  const width = Math.max(...lines.map(([label]) => label.length)) + 3;
  return lines
    .flatMap(([label, value]) => {
      const values = typeof value === 'string' ? [value] : value;
      const shown = values.length === 0 || values[0] === '' ? ['<none>'] : values;
      return shown.map((text, index) => `${(index === 0 ? `${label}:` : '').padEnd(width)}${text}\n`);
    })
    .join('');
}

function statusLines(fn: Description): readonly Line[] {
  const available = fn.availableReplicas ?? 0;
  return [
    ['Name', fn.name],
    ['Status', statusOf(fn)],
    ['Replicas', String(fn.replicas ?? 0)],
    ['Available Replicas', String(available)],
    ['Invocations', String(fn.invocationCount ?? 0)],
    ['Image', fn.image],
    ['Function Process', fn.envProcess ?? '<default>'],
    ['URL', fn.url],
  ];
}

/** A function that sleeps is well: its revision was proven when it was deployed. */
function statusOf(fn: Description): string {
  if ((fn.availableReplicas ?? 0) > 0) return 'Ready';
  if (fn.revisions.some((revision) => revision.serving)) return (fn.replicas ?? 0) > 0 ? 'Starting' : 'Ready (asleep)';
  return 'Not Ready';
}

function specLines(fn: Description): readonly Line[] {
  return [
    ['Namespace', fn.namespace ?? ''],
    ['Labels', pairs(fn.labels)],
    ['Annotations', pairs(fn.annotations)],
    ['Constraints', fn.constraints ?? []],
    ['Environment', pairs(fn.envVars)],
    ['Secrets', fn.secrets ?? []],
    ['Requests', pairs({ ...fn.requests })],
    ['Limits', pairs({ ...fn.limits })],
    ['Usage', usageOf(fn)],
    ['Created', fn.createdAt ?? ''],
  ];
}

function runtimeLines(fn: Description): readonly Line[] {
  const failed = fn.revisions.find((revision) => revision.state === 'failed');
  return [
    ['Revisions', fn.revisions.map((r) => `${r.id} ${r.state}${r.serving ? ', serving' : ''}`)],
    ...(failed?.failure === undefined ? [] : [['Last failure', failed.failure.trimEnd().split('\n')] as const]),
    ['Instances', fn.instances.map(instanceLine)],
    ...(fn.instances[0] === undefined ? [] : [['Protections', protectionsOf(fn.instances[0].protections)] as const]),
  ];
}

function instanceLine({ id, state, reason }: Instance): string {
  return reason === undefined ? `${id} ${state}` : `${id} ${state}: ${summaryLine(reason)}`;
}

function protectionsOf(from: Protections): readonly string[] {
  const inForce = [
    from.uid === undefined ? undefined : `uid ${from.uid}`,
    from.cgroup === 'none' ? undefined : `cgroup ${from.cgroup}`,
    from.memoryLimit === 'none' ? undefined : `memory limit by ${from.memoryLimit}`,
    from.noNewPrivileges ? 'no new privileges' : undefined,
    from.mountNamespace ? 'mount namespace' : undefined,
    from.pidNamespace ? 'pid namespace' : undefined,
    `network ${from.network}`,
  ].filter((text) => text !== undefined);
  return [inForce.join(', '), ...from.missing.map((text) => `missing: ${text}`)];
}

function usageOf(fn: Description): readonly string[] {
  const { cpu, totalMemoryBytes } = fn.usage ?? {};
  return [
    ...(cpu === undefined ? [] : [`cpu: ${Math.round(cpu)}m`]),
    ...(totalMemoryBytes === undefined ? [] : [`memory: ${(totalMemoryBytes / 2 ** 20).toFixed(1)} MiB`]),
  ];
}

function pairs(map: Readonly<Record<string, string>> | undefined): readonly string[] {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value}`);
}

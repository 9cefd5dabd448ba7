import type { Description } from '../describe.ts';
import type { ResourceAmounts } from '../../model/function.ts';
import type { Instance, Protections } from '../../model/instance.ts';
import { summaryLine } from '../../model/summary-line.ts';
import { alignCells } from './align-cells.ts';
import { showControls } from './printable-text.ts';

/**
 * What `faas-cli describe` prints, to the byte, and below it what only tinderbox knows. Without `verbose` what is not set
 * is left out of the first part. Only what would steer the terminal, in a label for example, is shown and not done.
 */
export function formatDescription(fn: Description, verbose: boolean): string {
  const text = alignCells([...statusLines(fn), ...specLines(fn, verbose), ...usageLines(fn, verbose)]) + formatOwn(fn);
  return text.split('\n').map(showControls).join('\n');
}

type Line = readonly [label: string, value: string | readonly string[]];

function formatOwn(fn: Description): string {
  const lines = ownLines(fn).filter(([, value]) => value.length > 0);
  const width = Math.max(...lines.map(([label]) => label.length)) + 2;
  return lines
    .flatMap(([label, value]) =>
      (typeof value === 'string' ? [value] : value).map(
        (text, index) => `${(index === 0 ? `${label}:` : '').padEnd(width)}${text}\n`,
      ),
    )
    .join('');
}

function statusLines(fn: Description): readonly string[] {
  return [
    `Name:\t${fn.name}`,
    `Status:\t${fn.status}`,
    `Replicas:\t${fn.replicas ?? 0}`,
    `Available Replicas:\t${fn.availableReplicas ?? 0}`,
    `Invocations:\t${fn.invocationCount ?? 0}`,
    `Image:\t${fn.image}`,
    `Function Process:\t${fn.envProcess ?? '<default>'}`,
    `URL:\t${fn.url}`,
    `Async URL:\t${fn.asyncUrl}`,
  ];
}

function specLines(fn: Description, verbose: boolean): readonly string[] {
  const block = (label: string, lines: readonly string[]): readonly string[] => {
    if (lines.length > 0) return [`${label}:`, ...lines.map((line) => `\t ${line}`)];
    return verbose ? [`${label}:\t <none>`] : [];
  };
  const amounts = (of: ResourceAmounts | undefined): readonly string[] =>
    of === undefined ? [] : [`CPU: ${of.cpu ?? ''}`, `Memory: ${of.memory ?? ''}`];
  return [
    ...block('Labels', pairs(fn.labels)),
    ...block('Annotations', pairs(fn.annotations)),
    ...block(
      'Constraints',
      (fn.constraints ?? []).map((text) => `- ${text}`),
    ),
    ...block('Environment', pairs(fn.envVars)),
    ...block(
      'Secrets',
      (fn.secrets ?? []).map((text) => `- ${text}`),
    ),
    ...block('Requests', amounts(fn.requests)),
    ...block('Limits', amounts(fn.limits)),
  ];
}

function usageLines({ usage }: Description, verbose: boolean): readonly string[] {
  if (usage === undefined) return verbose ? ['Usage:\t <none>'] : [];
  const cpu = usage.cpu ?? 0;
  return [
    'Usage:',
    `  RAM:\t ${((usage.totalMemoryBytes ?? 0) / 2 ** 20).toFixed(2)} MB`,
    `  CPU:\t ${(cpu < 0 ? 1 : cpu).toFixed(0)} Mi`,
  ];
}

function ownLines(fn: Description): readonly Line[] {
  return [
    ['Namespace', fn.namespace ?? ''],
    ['State', stateOf(fn)],
    ['Created', fn.createdAt ?? ''],
    ...runtimeLines(fn),
  ];
}

/** A function that sleeps is well: its revision was proven when it was deployed. */
function stateOf(fn: Description): string {
  if ((fn.availableReplicas ?? 0) > 0) return 'running';
  const serving = fn.revisions.find((revision) => revision.serving);
  if (serving === undefined) return fn.revisions.length > 0 ? 'no revision serves calls' : '';
  if (serving.failure !== undefined) return 'cannot start';
  return (fn.replicas ?? 0) > 0 ? 'starting' : 'asleep, the next call wakes it';
}

function runtimeLines(fn: Description): readonly Line[] {
  const failures = fn.revisions.filter((revision) => revision.failure !== undefined);
  const failed = failures.find((revision) => revision.serving) ?? failures[0];
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

function pairs(map: Readonly<Record<string, string>> | undefined): readonly string[] {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value}`);
}

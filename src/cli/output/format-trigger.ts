import type { SourceStatus, TriggerStatus } from '../../model/trigger.ts';
import type { Listing } from './output-format.ts';
import { showControls } from './printable-text.ts';

/** One row for each trigger. */
export function triggerListing(rows: readonly TriggerStatus[]): Listing<TriggerStatus> {
  return {
    rows,
    name: (row) => row.name,
    columns: [
      { title: 'Name', value: (row) => row.name },
      { title: 'Function', value: (row) => row.function },
      { title: 'Kind', value: kindOf },
      { title: 'Source', value: sourceOf },
      { title: 'State', value: stateOf },
      { title: 'Next', value: (row) => row.nextRuns?.[0] ?? '-' },
    ],
    wide: [
      { title: 'Delivered', value: (row) => count(row.status?.delivered) },
      { title: 'Failed', value: (row) => count(row.status?.failed) },
      { title: 'Lag', value: (row) => count(row.status?.lag) },
      { title: 'Concurrency', value: (row) => count(row.concurrency) },
      { title: 'Created', value: (row) => row.createdAt ?? '-' },
    ],
  };
}

/** What there is to say of one trigger, a line each. */
export function formatTrigger(trigger: TriggerStatus): string {
  const { schedule, status } = trigger;
  const lines: (readonly [string, string | undefined])[] = [
    ['Name', trigger.name],
    ['Namespace', trigger.namespace],
    ['Function', `${trigger.function}, ${trigger.method} ${trigger.path}`],
    ['Kind', kindOf(trigger)],
    ['Source', sourceOf(trigger)],
    ['State', stateOf(trigger)],
    ['Made by', makerOf(trigger)],
    ['Headers', trigger.headers === undefined ? undefined : Object.keys(trigger.headers).join(', ')],
    ['Time zone', schedule?.timezone],
    ['Missed runs', schedule?.missed],
    ['Overlap', schedule?.overlap],
    ...(trigger.nextRuns ?? []).map((run, index) => [index === 0 ? 'Next runs' : '', run] as const),
    ['Servers', trigger.nats?.servers?.join(', ')],
    ['Queue group', trigger.nats?.queueGroup],
    ['Durable', trigger.nats?.durable],
    ...deliveryLines(trigger),
    ...statusLines(status),
    ['Created', trigger.createdAt],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([label, value]) => `${(label === '' ? '' : `${label}:`).padEnd(16)}${showControls(value ?? '')}\n`)
    .join('');
}

function deliveryLines(trigger: TriggerStatus): readonly (readonly [string, string | undefined])[] {
  if (trigger.concurrency === undefined) return [];
  const { attempts, minWait, maxWait } = trigger;
  return [
    ['Concurrency', String(trigger.concurrency)],
    ['Attempts', `${count(attempts)}, ${minWait ?? '-'} to ${maxWait ?? '-'} apart`],
    ['Answers to', trigger.responseTopic],
    ['Given up to', trigger.errorTopic ?? 'dead letters'],
  ];
}

function statusLines(status: SourceStatus | undefined): readonly (readonly [string, string | undefined])[] {
  if (status === undefined) return [];
  const { inFlight, delivered, retried, failed, lag, lastError, lastErrorAt } = status;
  return [
    ['Messages', `${delivered} delivered, ${inFlight} under way, ${retried} tried again, ${failed} given up`],
    ['Lag', lag === undefined ? undefined : String(lag)],
    ['Last error', lastError === undefined ? undefined : `${lastErrorAt ?? ''} ${lastError}`],
  ];
}

function makerOf({ readOnly, origin }: TriggerStatus): string | undefined {
  if (readOnly) return 'an annotation of the function';
  return origin === 'stack' ? 'a stack file' : undefined;
}

function kindOf({ kind, nats }: TriggerStatus): string {
  return nats?.stream === undefined ? kind : `${kind} (JetStream)`;
}

function sourceOf({ schedule, nats }: TriggerStatus): string {
  if (schedule !== undefined) return schedule.expressions.join('; ');
  if (nats === undefined) return '-';
  return nats.stream === undefined ? nats.subject : `${nats.stream}: ${nats.subject}`;
}

function stateOf({ paused, schedule, status, nextRuns = [] }: TriggerStatus): string {
  if (paused) return 'paused';
  if (schedule !== undefined) return nextRuns.length === 0 ? 'over' : 'scheduled';
  return status?.connected === true ? 'connected' : 'not connected';
}

function count(value: number | undefined): string {
  return value === undefined ? '-' : String(value);
}

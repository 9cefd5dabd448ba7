import { TinderboxError } from './errors.ts';
import { knativeKeys, readKnative } from './knative-scaling.ts';
import { durationIn, integerIn, numberIn } from './read-setting.ts';
import { parseScaleSchedule } from './scale-schedule.ts';
import type { LoadAggregate, LoadMetric, ScalingName, ScalingSettings } from './scaling.ts';
import { type Place, SettingReader } from './setting-reader.ts';
import { shorten } from './shorten.ts';

export type ScalingReader = SettingReader<ScalingName>;

/** What follows from how a function describes its load, before its other labels are read. */
export type LoadSettings = Omit<
  ScalingSettings,
  'min' | 'max' | 'zero' | 'factor' | 'cpuBound' | 'dryRun' | 'schedule' | 'origins' | 'initial' | 'activation'
>;

type Texts = Readonly<Record<string, string>>;

const quarterHourMs = 15 * 60_000;
const yes = ['true', 'false'] as const;
const mostQueryBytes = 4096;

/**
 * Reads OpenFaaS's labels `com.openfaas.scale.*`, Knative's annotations `autoscaling.knative.dev/*` and our own
 * `com.tinderbox.scale.*`. A function that says nothing of its load is scaled by calls in flight, 50 for each instance;
 * one that has `scale.type`, `.target` or `.target-proportion` as OpenFaaS's autoscaler does it; one that has any of
 * Knative's annotations as Knative's does. Throws `invalid`, naming the label, its value and the limit.
 */
export function resolveScaling(labels: Texts, annotations: Texts): ScalingSettings {
  const reader: ScalingReader = new SettingReader<ScalingName>(labels, annotations);
  const knative = knativeKeys.some((key) => annotations[key] !== undefined) ? readKnative(reader) : undefined;
  const openfaas = readOpenfaasLoad(reader, knative !== undefined);
  const load = knative?.load ?? openfaas ?? ownLoad;
  const bounds = readBounds(reader, knative !== undefined);
  return {
    ...load,
    ...bounds,
    zeroAfterMs: reader.read('zeroAfterMs', [label('zero-duration')], load.zeroAfterMs, (text, what) =>
      durationIn(text, what, 0, 100, 7 * 24 * 3_600_000),
    ),
    holdMs: reader.read('holdMs', [label('down.window')], load.holdMs, (text, what) =>
      durationIn(text, what, 0, 1, 300_000),
    ),
    factor: reader.read('factor', [label('factor')], 20, (text, what) => integerIn(text, what, 20, 0, 100)),
    activation: knative?.activation ?? 1,
    ...(knative?.initial === undefined ? {} : { initial: knative.initial }),
    cpuBound: reader.read('cpuBound', ['annotation com.tinderbox.cpu-bound'], false, readYes),
    dryRun: reader.read('dryRun', ['label com.tinderbox.scale.dry-run'], false, readYes),
    schedule: readSchedule(reader, bounds.max),
    origins: reader.origins,
  };
}

function label(name: string): Place {
  return `label com.openfaas.scale.${name}`;
}

const knativePrefix = 'annotation autoscaling.knative.dev/' as const;

function readBounds(reader: ScalingReader, knative: boolean): Pick<ScalingSettings, 'min' | 'max' | 'zero'> {
  const places = (name: 'min' | 'max'): readonly Place[] => [
    label(name),
    `${knativePrefix}${name}-scale`,
    `${knativePrefix}${name}Scale`,
  ];
  const min = reader.read('min', places('min'), 0, (text, what) => integerIn(text, what, 0, 0, 1000));
  const defaultMax = knative ? 1000 : Math.max(20, min);
  const max = reader.read('max', places('max'), defaultMax, (text, what) => readMax(text, what, defaultMax));
  if (min > max) {
    throw new TinderboxError('invalid', `${reader.origins.min} "${min}" is above ${reader.origins.max} "${max}"`);
  }
  const zero = reader.read('zero', [label('zero')], min === 0, readYes);
  return { min: zero ? min : Math.max(1, min), max, zero };
}

/** 0 means no limit in Knative. */
function readMax(text: string, what: string, unlimited: number): number {
  if (what.startsWith(knativePrefix)) return integerIn(text, what, 0, 0, 1000) || unlimited;
  return integerIn(text, what, 0, 1, 1000);
}

function readYes(text: string, what: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new TinderboxError('invalid', `${what} "${shorten(text)}" is neither ${yes.join(' nor ')}`);
}

/** Of a function that says nothing of its load; a tenth of Knative's stable window, see docs/scaling.md. */
const ownLoad: LoadSettings = {
  zeroAfterMs: quarterHourMs,
  metric: 'concurrency',
  type: 'capacity',
  target: 50,
  utilization: 1,
  aggregate: 'mean',
  loadWindowMs: 6_000,
  holdMs: 30_000,
  burstCapacity: -1,
  sparing: true,
};

/** Meter, and how its samples become the load: the recording rules OpenFaaS publishes for its autoscaler. */
const openfaasTypes: Readonly<Record<string, readonly [LoadMetric, LoadAggregate, loadWindowMs: number]>> = {
  rps: ['rps', 'mean', 30_000],
  capacity: ['concurrency', 'max', 45_000],
  cpu: ['cpu', 'latest', 0],
  queue: ['queue', 'latest', 0],
};

function readOpenfaasLoad(reader: ScalingReader, knative: boolean): LoadSettings | undefined {
  const given = [label('type'), label('target'), label('target-proportion')].filter(
    (place) => reader.text(place) !== undefined,
  );
  const query: Place = 'annotation com.tinderbox.scale.query';
  if (given.length === 0) {
    if (reader.text(query) !== undefined) throw needsType(query);
    return undefined;
  }
  if (knative) {
    throw new TinderboxError('invalid', `${given[0]} does not go with annotations autoscaling.knative.dev/*`);
  }
  const type = reader.read('metric', [label('type')], 'rps', readType);
  const [metric, aggregate, loadWindowMs] = openfaasTypes[type] ?? ['custom', 'latest', 0];
  if (metric !== 'custom' && reader.text(query) !== undefined) throw needsType(query);
  return {
    ...ownLoad,
    metric,
    type,
    aggregate,
    loadWindowMs,
    ...(metric === 'custom' ? { query: reader.read('query', [query], recordingRule(type), readQuery) } : {}),
    target: reader.read('target', [label('target')], 50, (text, what) => numberIn(text, what, 0.01, 1_000_000)),
    utilization: reader.read('utilization', [label('target-proportion')], 0.9, (text, what) =>
      numberIn(text, what, 0.01, 1),
    ),
    holdMs: 0,
    sparing: false,
  };
}

function needsType(query: Place): TinderboxError {
  return new TinderboxError(
    'invalid',
    `${query} needs a label com.openfaas.scale.type other than ${Object.keys(openfaasTypes).join(', ')}`,
  );
}

function readType(text: string, what: string): string {
  if (/^[a-zA-Z_][a-zA-Z0-9_-]{0,62}$/.test(text)) return text;
  throw new TinderboxError(
    'invalid',
    `${what} "${shorten(text)}" is neither ${Object.keys(openfaasTypes).join(', ')} nor a name of 1 to 63 letters, digits, - and _`,
  );
}

/** What OpenFaaS's autoscaler asks Prometheus for a type it does not know itself. */
function recordingRule(type: string): string {
  return `sum(job:function_current_load:sum{function_name="$function_name",scaling_type="${type}"})`;
}

function readQuery(text: string, what: string): string {
  if (text.trim() === '') throw new TinderboxError('invalid', `${what} is empty; give a PromQL expression`);
  const bytes = Buffer.byteLength(text);
  if (bytes > mostQueryBytes) {
    throw new TinderboxError('invalid', `${what} has ${bytes} bytes, the limit is ${mostQueryBytes}`);
  }
  return text;
}

function readSchedule(reader: ScalingReader, max: number): ScalingSettings['schedule'] {
  return reader.read('schedule', ['annotation com.tinderbox.scale.schedule'], [], (text, what) => {
    const windows = parseScaleSchedule(text, what);
    const above = windows.find(({ min }) => min > max);
    if (above === undefined) return windows;
    throw new TinderboxError('invalid', `${what}: min "${above.min}" is above the maximum of ${max}`);
  });
}

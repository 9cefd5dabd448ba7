import { TinderboxError } from './errors.ts';
import type { FunctionSpec } from './function.ts';
import { parseCpu, parseMemory } from './quantity.ts';
import { resolveQueueName } from './queue-name.ts';
import { durationIn, integerIn, oneOf } from './read-setting.ts';
import { resolveScaling } from './resolve-scaling.ts';
import { type RetrySettings, resolveRetrySettings } from './retry-settings.ts';
import type { ScalingSettings } from './scaling.ts';

export type Network = 'host' | 'none';
export type Isolation = 'auto' | 'none' | 'namespaces' | 'strict';

/** All that follows from a spec, with every default filled in; pure, so API, control, router and scaler agree. */
export interface FunctionSettings {
  readonly scaling: ScalingSettings;
  /** Longest a call may take; `exec_timeout` of the function's environment, default 60 s. */
  readonly timeoutMs: number;
  /** Calls one instance takes at once; `max_inflight`, default 100, or 1 with annotation `com.tinderbox.cpu-bound`. */
  readonly concurrency: number;
  /** Calls that may wait for a slot; annotation `com.tinderbox.queue-depth`, default 1,000. */
  readonly queueDepth: number;
  readonly memoryBytes: number;
  /** Thousandths of a core; 0 = no limit. */
  readonly cpuMillis: number;
  /** Most processes and threads of one instance; annotation `com.tinderbox.pids`, default 256. */
  readonly pids: number;
  readonly network: Network;
  readonly isolation: Isolation;
  /** Path that must answer 2xx before an HTTP program is ready; empty: an open port is enough. */
  readonly readyPath: string;
  /** Time from the stop signal to the kill; `write_timeout`, default 10 s. */
  readonly graceMs: number;
  /** Of stored calls. */
  readonly retry: RetrySettings;
  /** The queue its stored calls go to; annotation `com.openfaas.queue`, default `default`. */
  readonly queue: string;
}

const defaultMemoryBytes = 512 * 2 ** 20;
const minMemoryBytes = 16 * 2 ** 20;
/** More cores than any host has, and still few enough for the kernel's quotas. */
const maxCpuMillis = 1024 * 1000;

/** Completes a spec. Throws `invalid`, naming the field, the value and the limit. */
export function resolveSettings(spec: FunctionSpec): FunctionSettings {
  const env = spec.envVars ?? {};
  const annotation = (key: string): string | undefined => spec.annotations[key];
  const scaling = resolveScaling(spec.labels, spec.annotations);
  const concurrency = scaling.cpuBound ? 1 : 100;
  return {
    scaling,
    timeoutMs: durationIn(env['exec_timeout'], 'exec_timeout', 60_000, 1, 24 * 3_600_000) || 60_000,
    concurrency: integerIn(env['max_inflight'], 'max_inflight', concurrency, 0, 10_000) || concurrency,
    queueDepth: integerIn(annotation('com.tinderbox.queue-depth'), 'com.tinderbox.queue-depth', 1000, 0, 100_000),
    memoryBytes: memoryLimit(spec.limits?.memory),
    cpuMillis: cpuLimit(spec.limits?.cpu),
    pids: integerIn(annotation('com.tinderbox.pids'), 'com.tinderbox.pids', 256, 4, 32_768),
    network: oneOf(annotation('com.tinderbox.network'), 'com.tinderbox.network', ['host', 'none'], 'host'),
    isolation: oneOf(
      annotation('com.tinderbox.isolation'),
      'com.tinderbox.isolation',
      ['auto', 'none', 'namespaces', 'strict'],
      'auto',
    ),
    readyPath: annotation('com.openfaas.ready.http.path') ?? annotation('com.openfaas.health.http.path') ?? '',
    graceMs: durationIn(env['write_timeout'], 'write_timeout', 10_000, 0, 3_600_000),
    retry: resolveRetrySettings(spec.annotations),
    queue: resolveQueueName(spec.annotations),
  };
}

function memoryLimit(text: string | undefined): number {
  if (text === undefined) return defaultMemoryBytes;
  const bytes = parseMemory(text, 'limits.memory');
  if (bytes < minMemoryBytes) {
    throw new TinderboxError('invalid', `limits.memory "${text}" is below the minimum of 16Mi`);
  }
  return bytes;
}

function cpuLimit(text: string | undefined): number {
  if (text === undefined) return 0;
  const millis = parseCpu(text, 'limits.cpu');
  if (millis < 10) throw new TinderboxError('invalid', `limits.cpu "${text}" is below the minimum of 10m`);
  if (millis > maxCpuMillis) throw new TinderboxError('invalid', `limits.cpu "${text}" is above the maximum of 1024`);
  return millis;
}

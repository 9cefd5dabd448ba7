import type { Engine } from '../engine/engine.ts';
import { TinderboxError } from '../model/errors.ts';
import { formatFunctionKey, parseRevisionId, type RevisionId } from '../model/names.ts';
import type { AsyncCalls } from '../queue/async-calls.ts';
import { createCpuMeter } from '../scaler/cpu-meter.ts';
import type { Meters } from '../scaler/meters.ts';
import { queryPrometheus } from '../scaler/prometheus-meter.ts';

/** The scaler's meters; the queue is there later than the scaler. */
export interface PlatformMeters extends Meters {
  showQueue(calls: Pick<AsyncCalls, 'depth' | 'running'>): void;
}

export interface MeterParts {
  readonly engine: Pick<Engine, 'instances'>;
  /** Processor time a program and all it started have used. */
  readonly usage: (pid: number) => Promise<{ readonly cpuMs: number }>;
  /** Calls that instances of a revision work on. */
  readonly inFlight: (revision: RevisionId) => number;
  readonly prometheusUrl: string | undefined;
}

export function createMeters({ engine, usage, inFlight, prometheusUrl }: MeterParts): PlatformMeters {
  let queue: Pick<AsyncCalls, 'depth' | 'running'> | undefined;
  return {
    cpu: createCpuMeter({ engine, read: async (pid) => (await usage(pid)).cpuMs }),
    async queue(revision) {
      const lane = keyOf(revision);
      const stored = (await queue?.depth())?.find((depth) => depth.lane === lane)?.jobs ?? 0;
      // What the dispatcher runs may itself wait for a slot; only what an instance works on does not wait.
      return Math.max(0, stored - Math.min(inFlight(revision), queue?.running().get(lane) ?? 0));
    },
    async custom(revision, query) {
      if (prometheusUrl === undefined) {
        throw new TinderboxError('unsupported', 'no Prometheus is configured (--prometheus-url)');
      }
      return queryPrometheus(prometheusUrl, query.replaceAll('$function_name', keyOf(revision)));
    },
    showQueue(calls) {
      queue = calls;
    },
  };
}

function keyOf(revision: RevisionId): string {
  const { namespace, name } = parseRevisionId(revision);
  return formatFunctionKey(namespace, name);
}

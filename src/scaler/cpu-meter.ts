import type { Engine } from '../engine/engine.ts';
import { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';

interface Look {
  readonly cpuMs: number;
  readonly atMs: number;
}

export interface CpuMeterOptions {
  readonly engine: Pick<Engine, 'instances'>;
  /** Processor time that a program and all it started have used, in ms. */
  readonly read: (pid: number) => Promise<number>;
  /** Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Thousandths of a core that the instances of a revision use: the growth of their processor time between the last two
 * looks, as OpenFaaS's rule `irate(pod_cpu_usage_seconds_total[1m])*1000`. An instance counts from its second look on.
 * Rejects with `unavailable` before any has one.
 */
export function createCpuMeter({ engine, read, now = () => performance.now() }: CpuMeterOptions) {
  const looks = new Map<RevisionId, ReadonlyMap<string, Look>>();
  return async (revision: RevisionId): Promise<number> => {
    const before = looks.get(revision);
    const after = new Map<string, Look>();
    for (const [id, pid] of programsOf(engine, revision)) after.set(id, { cpuMs: await read(pid), atMs: now() });
    if (after.size === 0) looks.delete(revision);
    else looks.set(revision, after);
    const grown = [...after].flatMap(([id, look]) => {
      const earlier = before?.get(id);
      const elapsedMs = look.atMs - (earlier?.atMs ?? look.atMs);
      return earlier === undefined || elapsedMs <= 0 ? [] : [Math.max(0, look.cpuMs - earlier.cpuMs) / elapsedMs];
    });
    if (grown.length === 0) throw new TinderboxError('unavailable', 'no instance was looked at twice yet');
    return grown.reduce((sum, share) => sum + share * 1_000, 0);
  };
}

function programsOf(engine: CpuMeterOptions['engine'], revision: RevisionId): readonly (readonly [string, number])[] {
  return engine
    .instances()
    .flatMap(({ id, pid, state, revision: of }) =>
      of === revision && state === 'ready' && pid !== undefined ? [[id, pid] as const] : [],
    );
}

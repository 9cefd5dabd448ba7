import type { Config } from '../config/config.ts';
import type { Engine } from '../engine/engine.ts';
import type { Instance } from '../model/instance.ts';
import { type FunctionKey, formatFunctionKey, parseRevisionId } from '../model/names.ts';
import type { MetricsViews } from '../observe/metrics.ts';
import type { FunctionScale } from '../observe/scale-metrics.ts';
import type { InstanceUsage } from '../observe/usage-metrics.ts';
import type { Router } from '../router/router.ts';
import type { CageParent } from '../sandbox/cage.ts';
import { readProgramUsage } from '../sandbox/program-usage.ts';
import type { Scaler } from '../scaler/scaler.ts';

interface Looked {
  readonly engine: Pick<Engine, 'instances'>;
  readonly router: Pick<Router, 'route'>;
  readonly scaler: Pick<Scaler, 'counts'>;
  readonly cages: CageParent;
}

/** Instances whose use is read at once: it is some ten files each. */
const readAtOnce = 16;

/** What metrics look at when somebody scrapes; `parts` is asked only then, when all of them are there. */
export function createMetricsViews(config: Config, version: string, parts: () => Looked): MetricsViews {
  return {
    scales: () => scalesOf(parts()),
    usage: () => readUsage(parts()),
    folders: { data: config.stateDir, run: config.runDir },
    version,
  };
}

/** During a rollout both revisions of a function count. */
function scalesOf({ engine, router, scaler }: Looked): readonly FunctionScale[] {
  const ready = readyByFunction(engine.instances());
  const replicas = new Map<FunctionKey, number>();
  for (const [revision, count] of scaler.counts()) {
    const key = keyOf(revision);
    replicas.set(key, (replicas.get(key) ?? 0) + count);
  }
  return [...replicas].map(([key, count]) => {
    const scaling = router.route(key)?.settings.scaling;
    return {
      function: key,
      replicas: count,
      ready: ready.get(key) ?? 0,
      min: scaling?.min ?? 0,
      target: scaling?.target ?? 0,
      type: scaling?.type ?? 'capacity',
    };
  });
}

function readyByFunction(instances: readonly Instance[]): ReadonlyMap<FunctionKey, number> {
  const counts = new Map<FunctionKey, number>();
  for (const { revision, state } of instances) {
    if (state === 'ready') counts.set(keyOf(revision), (counts.get(keyOf(revision)) ?? 0) + 1);
  }
  return counts;
}

async function readUsage({ engine, cages }: Looked): Promise<readonly InstanceUsage[]> {
  const running = engine.instances().filter(({ state }) => state !== 'stopped' && state !== 'failed');
  const found: InstanceUsage[] = [];
  for (let at = 0; at < running.length; at += readAtOnce) {
    found.push(...(await Promise.all(running.slice(at, at + readAtOnce).map((instance) => usageOf(instance, cages)))));
  }
  return found;
}

async function usageOf({ id, revision, pid }: Instance, cages: CageParent): Promise<InstanceUsage> {
  const usage = pid === undefined ? { cpuMs: 0, memoryBytes: 0 } : await readProgramUsage(cages, pid);
  return { instance: id, function: keyOf(revision), namespace: parseRevisionId(revision).namespace, ...usage };
}

function keyOf(revision: string): FunctionKey {
  const { namespace, name } = parseRevisionId(revision);
  return formatFunctionKey(namespace, name);
}

import type { ScalingSettings } from '../model/scaling.ts';
import type { ScaleDecision, ScaleObservation } from './decide.ts';

/** Puts a decision into words for people: what was seen, and what followed from it. */
export function explainDecision(decision: ScaleDecision, seen: ScaleObservation, scaling: ScalingSettings): string {
  switch (decision.reason) {
    case 'load':
      return loadOf(seen, scaling);
    case 'waiting':
      return `${seen.waiting} calls wait for a slot, an instance takes ${seen.concurrency}`;
    case 'panic':
      return `panic: ${round(seen.panicLoad ?? 0)} over the panic window, ${loadOf(seen, scaling)}; no fewer until it is over`;
    case 'spared':
      return `${loadOf(seen, scaling)}, but the calls get done sooner than another instance starts`;
    case 'cores':
      return `one for each of the ${seen.host.cores} cores; ${loadOf(seen, scaling)}`;
    case 'rate-limit':
      return `${loadOf(seen, scaling)}, within what one decision may change with ${seen.ready} ready`;
    case 'no-reading':
      return `no reading of its ${scaling.metric} load, so the count stays`;
    case 'minimum':
      return `${scaling.min > 0 ? `the minimum of ${scaling.min}` : 'one until it sleeps'}; ${loadOf(seen, scaling)}`;
    case 'maximum':
      return `the maximum of ${scaling.max}; ${loadOf(seen, scaling)}`;
    case 'held':
      return `held at the highest recommendation of the last ${scaling.holdMs / 1_000}s; ${loadOf(seen, scaling)}`;
    case 'before':
      return `${seen.before} ran before or were asked for, and the load is not known for long; ${loadOf(seen, scaling)}`;
    case 'deploy':
      return `${seen.floor} asked for at deploy, not reached yet`;
    case 'alert':
      return `an alert asks for ${seen.alerted}`;
    case 'idle':
      return `no call for ${scaling.zeroAfterMs / 1_000}s`;
    case 'asleep':
      return 'asleep, no call';
    case 'by-hand':
      return 'scaled to zero by hand, no call since';
  }
}

function loadOf({ load, concurrency }: ScaleObservation, { metric, target, utilization }: ScalingSettings): string {
  if (load === undefined) return `no reading of its ${metric} load`;
  const total = metric === 'concurrency' ? Math.min(target, concurrency) : target;
  return `load ${round(load)} by ${round(total)} × ${round(utilization)} for each instance`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

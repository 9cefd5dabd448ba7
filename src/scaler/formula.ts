import type { PanicSettings, ScalingSettings } from '../model/scaling.ts';
import type { ScaleObservation, ScaleReason } from './decide.ts';

/** A panic that goes on. */
export interface PanicState {
  /** When the short window last asked for too much. */
  readonly sinceMs: number;
  /** The highest count wanted in it. */
  readonly highest: number;
}

/** A count for the load, and what decided it. */
export interface FormulaCount {
  readonly count: number;
  readonly reason: ScaleReason;
  readonly panic: PanicState | undefined;
}

type FormulaInput = Pick<ScaleObservation, 'nowMs' | 'load' | 'panicLoad' | 'panic' | 'ready' | 'concurrency'>;

/** Below this no target makes sense; Knative's bound. */
const leastTarget = 0.01;

/**
 * `ceil(load / (target × utilization))`: what OpenFaaS's autoscaler publishes as
 * `ceil(ready × ((load / ready) / (target × proportion)))`, and Knative's as its desired stable pod count. The target in
 * calls is never above what an instance takes at once. With panic settings, Knative's decision around it (`decidePanic`).
 * Without a reading the count stays.
 */
export function decideFormula(seen: FormulaInput, scaling: ScalingSettings, current: number): FormulaCount {
  if (seen.load === undefined) return { count: current, reason: 'no-reading', panic: seen.panic };
  const total = scaling.metric === 'concurrency' ? Math.min(scaling.target, seen.concurrency) : scaling.target;
  const target = Math.max(leastTarget, total * scaling.utilization);
  const stable = countFor(seen.load, target);
  if (scaling.panic === undefined) {
    const count = stable > 0 ? Math.max(stable, scaling.activation) : 0;
    return { count, reason: 'load', panic: undefined };
  }
  return decidePanic(seen, scaling, scaling.panic, { stable, panic: countFor(seen.panicLoad ?? seen.load, target) });
}

/** 0.1 × 70 is a little more than 7 in binary fractions, and must not make an instance more. */
function countFor(load: number, target: number): number {
  return Math.ceil(Number((load / target).toPrecision(12)));
}

/**
 * Knative's pod autoscaler (docs/serving/autoscaling/kpa-specific): the count of the stable window within what one
 * decision may change; a panic begins when the short window asks for `threshold` times the ready instances, never shrinks,
 * and ends a stable window after it last did.
 */
function decidePanic(
  { nowMs, ready: readyNow, panic: before }: FormulaInput,
  scaling: ScalingSettings,
  { threshold, maxUpRate, maxDownRate }: PanicSettings,
  desired: { readonly stable: number; readonly panic: number },
): FormulaCount {
  const ready = Math.max(1, readyNow);
  const [least, most] = [Math.floor(ready / maxDownRate), Math.ceil(ready * maxUpRate)];
  const within = (count: number): number => {
    const limited = Math.min(most, Math.max(least, count));
    return count > 0 ? Math.max(limited, scaling.activation) : limited;
  };
  const [stable, short] = [within(desired.stable), within(desired.panic)];
  const over = desired.panic / ready >= threshold;
  const sinceMs = over ? nowMs : before?.sinceMs;
  if (sinceMs === undefined || (!over && sinceMs + scaling.loadWindowMs < nowMs)) {
    return { count: stable, reason: stable === desired.stable ? 'load' : 'rate-limit', panic: undefined };
  }
  const highest = Math.max(before?.highest ?? 0, stable, short);
  return { count: highest, reason: 'panic', panic: { sinceMs, highest } };
}

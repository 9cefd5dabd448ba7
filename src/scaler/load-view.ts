import type { ScalingSettings } from '../model/scaling.ts';
import type { MeterReader } from './meters.ts';
import { createSecondWindow, type SecondWindow } from './second-window.ts';

/** The load of one revision as its metric counts it, over the windows of its settings. */
export class LoadView {
  readonly #scaling: ScalingSettings;
  readonly #meter: MeterReader | undefined;
  /** Undefined where nobody asks for a window: no sample is kept. */
  readonly #samples: SecondWindow | undefined;
  #completed: number | undefined;

  constructor(scaling: ScalingSettings, meter: MeterReader | undefined) {
    this.#scaling = scaling;
    this.#meter = meter;
    if (!scaling.sparing && meter === undefined) this.#samples = createSecondWindow(scaling.loadWindowMs);
  }

  /** Takes note of the calls that are here and of those done since the beginning of time. */
  note(nowMs: number, calls: number, completed: number): void {
    if (this.#samples === undefined) return;
    if (this.#scaling.metric === 'rps') {
      this.#samples.count(nowMs, Math.max(0, completed - (this.#completed ?? completed)));
      this.#completed = completed;
    } else this.#samples.note(nowMs, calls);
  }

  /** Undefined when a meter did not say lately. */
  load(nowMs: number): number | undefined {
    const { aggregate, loadWindowMs, panic } = this.#scaling;
    if (this.#meter !== undefined) return this.#meter.value(nowMs);
    if (aggregate === 'max') return this.#samples?.max(nowMs, loadWindowMs);
    const mean = this.#over(nowMs, loadWindowMs);
    // OpenFaaS's rule rounds the rate of calls up.
    return this.#scaling.metric === 'rps' && panic === undefined && mean !== undefined ? Math.ceil(mean) : mean;
  }

  panicLoad(nowMs: number): number | undefined {
    const { panic } = this.#scaling;
    return panic === undefined ? undefined : this.#over(nowMs, panic.windowMs);
  }

  #over(nowMs: number, windowMs: number): number | undefined {
    return this.#scaling.metric === 'rps' ? this.#samples?.rate(nowMs, windowMs) : this.#samples?.mean(nowMs, windowMs);
  }
}

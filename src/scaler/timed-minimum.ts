import type { ScalingSettings } from '../model/scaling.ts';

/** The settings in force at a moment, with the minimum of the windows that are on; looked at again only when one may change. */
export function createTimedMinimum(own: ScalingSettings): (unixMs: number) => ScalingSettings {
  if (own.schedule.length === 0) return () => own;
  let settings = own;
  let untilMs = Number.NEGATIVE_INFINITY;
  let sinceMs = Number.POSITIVE_INFINITY;
  return (unixMs) => {
    // A clock that was set back may be before the window it was in.
    if (unixMs < untilMs && unixMs >= sinceMs) return settings;
    const windows = own.schedule.map((window) => ({ ...window.at(unixMs), min: window.min }));
    const most = windows.reduce((least, { on, min }) => (on ? Math.max(least, min) : least), 0);
    sinceMs = unixMs;
    untilMs = Math.min(...windows.map((window) => window.untilMs));
    settings = most === 0 ? own : { ...own, min: Math.min(own.max, Math.max(own.min, most)), zero: false };
    return settings;
  };
}

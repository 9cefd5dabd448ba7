import pino, { type DestinationStream } from 'pino';
import { formatOutcome } from '../model/outcome.ts';
import { instanceChanged, invocationEnd, notice, rolloutChanged } from './channels.ts';

/** How the log is written. */
export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Where lines go, one JSON object each; standard error by default. */
  readonly destination?: DestinationStream;
}

/**
 * Writes what the parts publish as structured lines, each with the ids it has: `part`, `revision`, `instance`, `call`.
 * Calls that succeeded are logged at `debug` only. Returns the way to stop.
 */
export function startLog(options: LogOptions): () => void {
  const destination = options.destination ?? pino.destination({ fd: 2, sync: false });
  const log = pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const stops = [
    notice.subscribe(({ level, part, message, details }) => log[level]({ part, ...details }, message)),
    rolloutChanged.subscribe(({ revision, state, reason }) => {
      const level = state === 'failed' ? 'warn' : 'info';
      log[level]({ part: 'control', revision, state, reason }, `revision ${revision} is ${state}`);
    }),
    instanceChanged.subscribe((instance) => {
      const { id, revision, state, outcome, reason } = instance;
      const why = reason ?? (outcome === undefined ? undefined : formatOutcome(outcome));
      log[state === 'failed' ? 'warn' : 'debug'](
        { part: 'engine', revision, instance: id, state, why },
        `instance ${state}`,
      );
    }),
    invocationEnd.subscribe(({ id, function: name, status, durationMs, cold }) => {
      if (status < 500 && !log.isLevelEnabled('debug')) return;
      const fields = { part: 'router', call: id, function: name, status, ms: Math.round(durationMs), cold };
      log[status < 500 ? 'debug' : 'warn'](fields, 'call ended');
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    if ('flushSync' in destination && typeof destination.flushSync === 'function') destination.flushSync();
  };
}

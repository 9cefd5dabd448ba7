import { readDurationMs, readFlag, readInteger, readText } from '../read-variable.ts';
import type { WatchdogMode } from '../mode-settings.ts';
import { TinderboxError } from '../../../model/errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Variables of a watchdog that stands alone, by the names of both of OpenFaaS's. */
export interface ServerSettings {
  /** `port`, 8080; 0: a free one. */
  readonly port: number;
  /** `metrics_port`, 8081; 0: a free one. */
  readonly metricsPort: number;
  /** `read_timeout`, 30 s: a request must have arrived within this time. 0: no limit. */
  readonly readTimeoutMs: number;
  /** The lesser of `exec_timeout` and `write_timeout`, where they are not 0: a call may take this long. 0: no limit. */
  readonly callTimeoutMs: number;
  /** `write_timeout`, 30 s: calls may run this long when the watchdog stops. 0: as long as they take. */
  readonly graceMs: number;
  /** `healthcheck_interval`, `write_timeout`: a stopping watchdog takes calls for this time, saying it is not healthy. */
  readonly healthcheckIntervalMs: number;
  /** `max_inflight`, 0: no limit. */
  readonly maxInflight: number;
  /** `ready_path`: asked of the function by `/_/ready`. */
  readonly readyPath: string | undefined;
  /** File that says that the watchdog is healthy; undefined with `suppress_lock`. */
  readonly lockFile: string | undefined;
  /** `prefix_logs`, true: whether the function's lines begin with time and stream. */
  readonly prefixesLogs: boolean;
  /** `log_buffer_size`, 65536: longest line of the function, a longer one is cut. -1: no limit, which is 0 here. */
  readonly longestLineBytes: number;
  /** `log_callid`, or `log_call_id` as of-watchdog's documentation has it: whether a call's line ends with its id. */
  readonly logsCallId: boolean;
  /** `write_debug`: whether answers are written to stdout. */
  readonly writesOutput: boolean;
  /** `debug_headers`: whether headers are written to stdout. */
  readonly writesHeaders: boolean;
}

const defaultTimeoutMs = 30_000;
const longestTimeoutMs = 24 * 3_600_000;

/** Reads them. Throws `config` naming the variable, its value and what it may be. */
export function resolveServerSettings(env: Env, mode: WatchdogMode): ServerSettings {
  assertNoTokens(env);
  const duration = (name: string, fallbackMs: number): number =>
    readDurationMs(env, name, fallbackMs, longestTimeoutMs);
  const graceMs = duration('write_timeout', defaultTimeoutMs);
  const execTimeoutMs = duration('exec_timeout', mode === 'classic' ? 0 : defaultTimeoutMs);
  return {
    port: readInteger(env, 'port', 8080, 0, 65_535),
    metricsPort: readInteger(env, 'metrics_port', 8081, 0, 65_535),
    readTimeoutMs: duration('read_timeout', defaultTimeoutMs),
    callTimeoutMs: lesser(execTimeoutMs, graceMs),
    graceMs,
    healthcheckIntervalMs: duration('healthcheck_interval', graceMs),
    maxInflight: readInteger(env, 'max_inflight', 0, 0, 1_000_000),
    readyPath: readyPathOf(readText(env, 'ready_path')),
    lockFile: readFlag(env, 'suppress_lock', false) ? undefined : lockFileOf(env),
    prefixesLogs: readFlag(env, 'prefix_logs', true),
    longestLineBytes: Math.max(0, readInteger(env, 'log_buffer_size', 65_536, -1, 2 ** 30)),
    logsCallId: readFlag(env, 'log_callid', false) || readFlag(env, 'log_call_id', false),
    writesOutput: readFlag(env, 'write_debug', false),
    writesHeaders: readFlag(env, 'debug_headers', false),
  };
}

/** Where a watchdog writes that it is healthy, and `--run-healthcheck` looks. */
export function lockFileOf(env: Env): string {
  return `${readText(env, 'TMPDIR') ?? '/tmp'}/.lock`;
}

/** Of two limits, of which 0 is none. */
function lesser(aMs: number, bMs: number): number {
  return aMs === 0 || bMs === 0 ? Math.max(aMs, bMs) : Math.min(aMs, bMs);
}

/** Whoever asks for tokens to be checked must not get a function that answers everybody. */
function assertNoTokens(env: Env): void {
  if (!readFlag(env, 'jwt_auth', false)) return;
  throw new TinderboxError('config', 'jwt_auth is set, and this watchdog does not check tokens', {
    hint: 'check them in front of it, and leave jwt_auth out',
  });
}

function readyPathOf(text: string | undefined): string | undefined {
  if (text === undefined || /^\/[\x21-\x7e]*$/.test(text)) return text;
  throw new TinderboxError('config', `ready_path "${text}" is not a path such as /ready`);
}

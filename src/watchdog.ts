/**
 * Composition root of the watchdog that stands alone (`tinderbox watchdog`): variables → mode → server, and the end of
 * all of it. Inside an instance the same modes are joined by `runtime/watchdog/main.ts`.
 */
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { TinderboxError } from './model/errors.ts';
import type { Mode } from './runtime/watchdog/call.ts';
import { findProgram } from './runtime/watchdog/find-program.ts';
import { ForkMode } from './runtime/watchdog/fork-mode.ts';
import { forkPlanFromSettings, type Program } from './runtime/watchdog/fork-plan.ts';
import {
  type ModeSettings,
  resolveCommand,
  resolveModeSettings,
  type WatchdogMode,
} from './runtime/watchdog/mode-settings.ts';
import { OutputLines } from './runtime/watchdog/output-lines.ts';
import { ProxyMode } from './runtime/watchdog/proxy-mode.ts';
import { StaticMode } from './runtime/watchdog/static-mode.ts';
import type { UpstreamAddress } from './runtime/watchdog/upstream-connection.ts';
import { UpstreamProgram } from './runtime/watchdog/upstream-program.ts';
import { CallLog } from './runtime/watchdog/standalone/call-log.ts';
import { CallMetrics } from './runtime/watchdog/standalone/call-metrics.ts';
import { LockFile } from './runtime/watchdog/standalone/lock-file.ts';
import { LogWriter } from './runtime/watchdog/standalone/log-writer.ts';
import { startMetricsListener } from './runtime/watchdog/standalone/metrics-listener.ts';
import { resolveServerSettings, type ServerSettings } from './runtime/watchdog/standalone/server-settings.ts';
import { WatchdogServer } from './runtime/watchdog/standalone/watchdog-server.ts';

const defaultStaticPath = '/home/app/public';

export interface WatchdogOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Mode where the variable `mode` names none. */
  readonly fallbackMode: WatchdogMode;
  /** Address to listen on; undefined: all. */
  readonly host: string | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** A watchdog that stands alone, listening. */
export interface Watchdog {
  readonly port: number;
  readonly metricsPort: number;
  /** Resolves with a reason when the function's program ended by itself: then there is nothing left to serve. */
  readonly failed: Promise<string>;
  /** Stops without losing a call; resolves with the number of those that outlasted their grace. */
  stop(hurry: AbortSignal): Promise<number>;
}

/** Starts it. Rejects with `config`, `conflict` or `cannot-start`, and leaves nothing behind. */
export async function startWatchdog(options: WatchdogOptions): Promise<Watchdog> {
  const { env, host, stdout, stderr } = options;
  const modeSettings = resolveModeSettings(env, options.fallbackMode);
  const { mode: modeName, upstream } = modeSettings;
  const settings = resolveServerSettings(env, modeName);
  const log = new LogWriter(stderr);
  const metrics = new CallMetrics();
  const lock = new LockFile(settings.lockFile);
  const failed = Promise.withResolvers<string>();
  await using stack = new AsyncDisposableStack();
  const { mode, isReady } = createMode(options, modeSettings, settings, log, failed.resolve);
  stack.defer(() => mode.close());
  const listener = await startMetricsListener(metrics, host, settings.metricsPort);
  stack.defer(() => listener.close());
  const callLog = new CallLog(log, modeName, settings);
  const print = (text: string | Buffer): boolean => stdout.write(text);
  const server = new WatchdogServer({
    settings,
    modeName,
    mode,
    upstream,
    isReady,
    lock,
    metrics,
    log,
    callLog,
    print,
  });
  const port = await server.listen(host);
  tellSettings(log, modeName, settings, port, listener.port);
  lock.write();
  const rest = stack.move();
  return {
    port,
    metricsPort: listener.port,
    failed: failed.promise,
    async stop(hurry) {
      const lost = await server.stop(hurry);
      await rest.disposeAsync();
      log.flush();
      return lost;
    },
  };
}

/** A mode, and whether it takes calls. */
interface RunMode {
  readonly mode: Mode;
  readonly isReady: () => boolean;
}

function createMode(
  options: WatchdogOptions,
  settings: ModeSettings,
  server: ServerSettings,
  log: LogWriter,
  onEnd: (reason: string) => void,
): RunMode {
  const { env, cwd, stdout, stderr } = options;
  const linesOf = (stream: 'stdout' | 'stderr'): OutputLines =>
    new OutputLines({
      prefix: () => Buffer.from(server.prefixesLogs ? `${log.stamp()}${stream}: ` : ''),
      longestBytes: server.longestLineBytes,
      write: (lines) => (stream === 'stdout' ? stdout : stderr).write(lines),
    });
  try {
    if (settings.mode === 'static') {
      const folder = resolve(cwd, settings.staticPath ?? defaultStaticPath);
      return { mode: new StaticMode({ folder, fallback: settings.staticFallback }), isReady: () => true };
    }
    const program = findCommand(env, cwd, settings.mode);
    if (settings.mode === 'http' && settings.upstream !== undefined) {
      return createProxy(program, settings, settings.upstream, linesOf, log, onEnd);
    }
    const plan = forkPlanFromSettings(settings, program);
    const style = settings.mode;
    const mode = new ForkMode({ plan, style, errors: stderr, openLog: () => linesOf('stderr') });
    return { mode, isReady: () => true };
  } catch (error) {
    if (error instanceof TinderboxError) throw error;
    throw new TinderboxError('cannot-start', (error as Error).message, { cause: error });
  }
}

function createProxy(
  program: Program,
  { buffersBody }: ModeSettings,
  address: UpstreamAddress,
  linesOf: (stream: 'stdout' | 'stderr') => OutputLines,
  log: LogWriter,
  onEnd: (reason: string) => void,
): RunMode {
  const lines = { stdout: linesOf('stdout'), stderr: linesOf('stderr') };
  const running = new UpstreamProgram({
    program,
    addresses: [address],
    output: (stream, bytes) => (bytes === undefined ? lines[stream].end() : lines[stream].push(bytes)),
    onExit: (reason) => onEnd(`the function's program is gone: ${reason}`),
  });
  // Its end while starting is told by onExit; what is left is that its place is taken.
  running.ready.catch((error: Error) => onEnd(error.message));
  const onError = (error: Error): void => log.line(`Upstream HTTP request error: ${error.message}`);
  return { mode: new ProxyMode({ program: running, buffersBody, onError }), isReady: () => running.isUp };
}

function findCommand(env: WatchdogOptions['env'], cwd: string, mode: WatchdogMode): Program {
  const [name = '', ...args] = resolveCommand(env, mode);
  const own = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { file: findProgram(name, cwd, env['PATH']), args, cwd, env: Object.fromEntries(own) };
}

function tellSettings(
  log: LogWriter,
  mode: WatchdogMode,
  settings: ServerSettings,
  port: number,
  metricsPort: number,
): void {
  const seconds = (ms: number): string => (ms === 0 ? 'none' : `${ms / 1000}s`);
  const { readTimeoutMs, callTimeoutMs, graceMs, healthcheckIntervalMs, lockFile } = settings;
  log.line(`Watchdog mode: ${mode}`);
  log.line(
    `Timeouts: read: ${seconds(readTimeoutMs)} call: ${seconds(callTimeoutMs)} grace: ${seconds(graceMs)} health: ${healthcheckIntervalMs / 1000}s`,
  );
  log.line(`Metrics listening on port: ${metricsPort}`);
  log.line(`Listening on port: ${port}`);
  log.line(lockFile === undefined ? 'No lock file is written (suppress_lock)' : `Writing lock-file to: ${lockFile}`);
}

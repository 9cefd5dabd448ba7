import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import { lockFileOf } from '../runtime/watchdog/standalone/server-settings.ts';
import { startWatchdog, type Watchdog } from '../watchdog.ts';
import type { CommandDefinition } from './command-definition.ts';
import { readVersion } from './package-version.ts';
import type { Shell } from './terminal/shell.ts';

interface WatchdogFlags {
  readonly mode: 'classic' | 'streaming';
  readonly host?: string;
  readonly runHealthcheck?: boolean;
  readonly version?: boolean;
}

export const watchdogCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command
      .addOption(
        new Option(
          '--mode <mode>',
          'mode where the variable mode is not set: as of the classic watchdog, or of of-watchdog',
        )
          .choices(['classic', 'streaming'])
          .default('classic'),
      )
      .option('--host <address>', 'address to listen on (all)')
      .option('--run-healthcheck', 'end with 0 if a watchdog with the same TMPDIR is healthy, else with 1')
      .option('--version', 'print the version')
      .action((flags: WatchdogFlags) => runWatchdog(shell, flags));
  },
};

async function runWatchdog(shell: Shell, flags: WatchdogFlags): Promise<void> {
  if (flags.version === true) shell.stdout.write(`${await readVersion()}\n`);
  else if (flags.runHealthcheck === true) checkHealth(shell);
  else await serve(shell, flags);
}

function checkHealth(shell: Shell): void {
  const file = lockFileOf(shell.env);
  if (!existsSync(file)) throw new TinderboxError('internal', `not healthy: there is no lock file ${file}`);
}

async function serve(shell: Shell, flags: WatchdogFlags): Promise<void> {
  const { env, cwd, stdout, stderr } = shell;
  const watchdog = await startWatchdog({ env, cwd, fallbackMode: flags.mode, host: flags.host, stdout, stderr });
  const failure = await Promise.race([watchdog.failed, untilAborted(shell.signal)]);
  const lost = await stop(watchdog, failure !== undefined);
  if (failure !== undefined) throw new TinderboxError('lost', failure);
  if (lost > 0) throw new TinderboxError('deadline', `${lost} calls did not end within write_timeout and were cut off`);
}

/** Without its program there is nothing to wait for. */
function stop(watchdog: Watchdog, isFailed: boolean): Promise<number> {
  return watchdog.stop(isFailed ? AbortSignal.abort() : new AbortController().signal);
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}

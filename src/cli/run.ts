import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { runFunction } from '../run-function.ts';
import type { CommandDefinition } from './command-definition.ts';
import { parseInteger } from './flags/collect.ts';
import { addStackFlags } from './flags/stack-flags.ts';
import { formatLogLine } from './output/format-log-line.ts';
import { readVersion } from './package-version.ts';
import { addBuildFlags, addShrinkwrapFlag, unusedBuildFlags, warnOfUnused } from './rollout/build-flags.ts';
import { addEnvFlag, addNetworkFlag } from './rollout/deploy-flags.ts';
import { addFunctionFlags } from './rollout/load-project.ts';
import { shrinkwrap } from './rollout/shrinkwrap.ts';
import { formatRun } from './run/format-run.ts';
import { type PreparedRun, prepareRun, type RunFlags } from './run/prepare-run.ts';
import { watchRun } from './run/watch-run.ts';
import { createProgress, quietProgress } from './terminal/progress.ts';
import type { Shell } from './terminal/shell.ts';

interface LocalRunFlags extends RunFlags {
  readonly port: number;
  readonly print?: boolean;
  readonly build?: boolean;
  readonly watch?: boolean;
  readonly network?: string;
}

export const runCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addShrinkwrapFlag(addNetworkFlag(addEnvFlag(addFunctionFlags(addBuildFlags(addStackFlags(command))))))
      .argument('[function]', 'file, or function of the stack file; default: its only one')
      .option('-p, --port <port>', 'port to listen on; 0: any that is free', parseInteger('--port', 0), 8080)
      .option('--print', 'print what would run, and do not run it')
      .option('--no-build', 'taken and not used: what runs is always built')
      .option('--watch', 'build and start again when the source changes')
      .action((what: string | undefined, flags: LocalRunFlags) => run(shell, what, flags));
  },
};

async function run(shell: Shell, what: string | undefined, flags: LocalRunFlags): Promise<void> {
  warnOfUnused(shell, { ...flags }, [...unusedBuildFlags, '--network']);
  const prepared = await prepareRun(shell, what, flags);
  if (flags.shrinkwrap === true) return shrinkwrap(shell, [prepared.target]);
  if (flags.print === true) {
    shell.stdout.write(formatRun(prepared));
    return;
  }
  if (flags.watch !== true) return runOnce(shell, prepared, flags, shell.signal);
  await watchRun(shell, prepared.target, async (signal) =>
    runOnce(shell, await prepareRun(shell, what, flags), flags, signal),
  );
}

async function runOnce(shell: Shell, prepared: PreparedRun, flags: LocalRunFlags, signal: AbortSignal): Promise<void> {
  const { name } = prepared.spec;
  const config = await loadConfig({ host: '127.0.0.1', port: String(flags.port) });
  const [plain, version] = [createProgress(shell.stderr), await readVersion()];
  const progress = flags.quiet === true ? quietProgress(plain) : plain;
  progress.step(name, 'building');
  const request = {
    source: await prepared.pack(),
    spec: prepared.spec,
    secrets: prepared.secrets,
    version,
    onBuildLine: (line: string) => progress.log(name, line),
    onLine: (line: Parameters<typeof formatLogLine>[0]) =>
      shell.stderr.write(`${formatLogLine(line, 'plain', { name: false, instance: false })}\n`),
  };
  const running = await runFunction(config, request, signal).catch((reason: unknown) => {
    progress.fail(name, 'it does not run');
    throw reason;
  });
  try {
    progress.finish(name, 'it runs; Ctrl-C stops it');
    shell.stdout.write(`URL: ${running.url}\n`);
    await untilAborted(signal);
  } finally {
    await running.close();
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

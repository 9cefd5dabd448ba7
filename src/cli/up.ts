import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { type SettingName, settings } from '../config/settings-table.ts';
import { type Platform, startPlatform } from '../main.ts';
import { TinderboxError } from '../model/errors.ts';
import { startLog } from '../observe/log.ts';
import type { CommandDefinition } from './command-definition.ts';
import { packageRoot } from './package-root.ts';
import type { Shell } from './terminal/shell.ts';
import { readVersion } from './version.ts';

type UpFlags = Readonly<Record<string, string | boolean | undefined>>;

export const upCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    for (const { key, about } of Object.values(settings)) command.option(`--${flagOf(key)} <value>`, about);
    command
      .option('--config <file>', 'settings file (./tinderbox.yaml where there is one)')
      .option('--log-level <level>', 'debug, info, warn or error (warn)')
      .option('--examples', 'deploy the examples')
      .action((flags: UpFlags) => up(shell, flags));
  },
};

async function up(shell: Shell, flags: UpFlags): Promise<void> {
  const config = await loadConfig(settingFlags(flags), textOf(flags['config']));
  const stopLog = startLog({ level: parseLogLevel(textOf(flags['logLevel'])) });
  try {
    const version = await readVersion();
    const [portalDir, storeFile] = [join(packageRoot, 'ui'), join(packageRoot, 'store', 'store.json')];
    const platform = await startPlatform(config, { portalDir, storeFile, version });
    try {
      shell.stdout.write(formatPlatform(platform, version));
      if (flags['examples'] === true) await showExamples(shell, config, platform.url);
      await untilAborted(shell.signal);
      shell.stdout.write('stopping: calls in flight are finished first\n');
    } finally {
      await platform.close();
    }
  } finally {
    stopLog();
  }
}

/** Their deploy needs what no other platform does: stack files, packing, a client. */
async function showExamples(shell: Shell, config: Config, url: string): Promise<void> {
  const { deployExamples, formatExamples } = await import('./up-examples.ts');
  shell.stdout.write(formatExamples(await deployExamples(shell, config, url)));
}

/** `limits.body` → `limits-body`, `dataDir` → `data-dir`. */
function flagOf(key: string): string {
  return key.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function settingFlags(flags: UpFlags): Partial<Record<SettingName, string>> {
  const camel = (flag: string): string => flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const given = Object.entries(settings).flatMap(([name, { key }]) => {
    const text = textOf(flags[camel(flagOf(key))]);
    return text === undefined ? [] : [[name, text]];
  });
  return Object.fromEntries(given) as Partial<Record<SettingName, string>>;
}

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const logLevels = ['debug', 'info', 'warn', 'error'] as const;

function parseLogLevel(text = 'warn'): (typeof logLevels)[number] {
  const found = logLevels.find((level) => level === text);
  if (found !== undefined) return found;
  throw new TinderboxError('config', `log-level is "${text}", not one of ${logLevels.join(', ')}`);
}

function formatPlatform(platform: Platform, version: string): string {
  const { missing } = platform.abilities;
  const password = platform.newPassword === undefined ? '' : ` (made now: ${platform.newPassword})`;
  return [
    `tinderbox ${version} is up`,
    `  API and functions  ${platform.url}`,
    `  portal             ${platform.portalUrl}`,
    `  metrics            ${platform.metricsUrl}`,
    `  user               ${platform.user}, password in ${platform.passwordFile}${password}`,
    ...missing.map((what) => `  not protected      ${what}`),
    '',
  ].join('\n');
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

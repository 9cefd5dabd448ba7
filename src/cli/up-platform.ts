import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Platform } from '../compose/platform.ts';
import { startPlatform } from '../main.ts';
import { type LogOptions, startLog } from '../observe/log.ts';
import { packageRoot } from './package-root.ts';
import { readVersion } from './package-version.ts';
import type { Shell } from './terminal/shell.ts';

export interface UpOptions {
  /** Of the platform's own log. */
  readonly level: LogOptions['level'];
  /** Whether the examples are deployed and shown. */
  readonly examples: boolean;
}

/** Starts the platform and stops it when the shell says so. */
export async function upPlatform(shell: Shell, config: Config, { level, examples }: UpOptions): Promise<void> {
  const stopLog = startLog({ level });
  try {
    const version = await readVersion();
    const [portalDir, storeFile] = [join(packageRoot, 'ui'), join(packageRoot, 'store', 'store.json')];
    const platform = await startPlatform(config, { portalDir, storeFile, version });
    try {
      shell.stdout.write(formatPlatform(platform, version));
      if (examples) await showExamples(shell, config, platform.url);
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

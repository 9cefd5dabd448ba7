import type { Command } from 'commander';
import { flagOf, type SettingName, settings } from '../../config/settings-table.ts';

/** Values of the flags that start a platform: one for each setting, and three more. */
export type PlatformFlags = Readonly<Record<string, unknown>>;

/** `--data-dir` is among them and means the same to every command, so whoever defines both leaves it to the other. */
export function addPlatformFlags(command: Command): Command {
  for (const { key, about } of Object.values(settings)) {
    if (key !== 'dataDir') command.option(`--${flagOf(key)} <value>`, about);
  }
  return command
    .option('--config <file>', 'settings file (./tinderbox.yaml where there is one)')
    .option('--log-level <level>', 'debug, info, warn or error (warn)')
    .option('--examples', 'deploy the examples');
}

/** The settings that were given as flags. */
export function settingFlags(flags: PlatformFlags): Partial<Record<SettingName, string>> {
  const camel = (flag: string): string => flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const given = Object.entries(settings).flatMap(([name, { key }]) => {
    const text = textOf(flags[camel(flagOf(key))]);
    return text === undefined ? [] : [[name, text]];
  });
  return Object.fromEntries(given) as Partial<Record<SettingName, string>>;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

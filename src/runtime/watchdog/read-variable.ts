import { parseDurationMs } from '../../model/duration.ts';
import { TinderboxError } from '../../model/errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

const yes = /^(1|t|true)$/i;
const no = /^(0|f|false)$/i;

/** A variable that is set to something. */
export function readText(env: Env, name: string): string | undefined {
  const text = env[name];
  return text === undefined || text === '' ? undefined : text;
}

/** `true`, `1`, `t` or `false`, `0`, `f`, in any case. Throws `config` for anything else. */
export function readFlag(env: Env, name: string, fallback: boolean): boolean {
  const text = readText(env, name)?.trim();
  if (text === undefined) return fallback;
  if (yes.test(text)) return true;
  if (no.test(text)) return false;
  throw new TinderboxError('config', `${name} "${text}" is neither true nor false`);
}

/** A whole number. Throws `config` for anything else, and beyond its limits. */
export function readInteger(env: Env, name: string, fallback: number, least: number, most: number): number {
  const text = readText(env, name)?.trim();
  if (text === undefined) return fallback;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new TinderboxError('config', `${name} "${text}" is not a whole number from ${least} to ${most}`);
}

/** A Go duration or whole seconds, in milliseconds. Throws `config` for anything else, and above `mostMs`. */
export function readDurationMs(env: Env, name: string, fallbackMs: number, mostMs: number): number {
  const text = readText(env, name);
  if (text === undefined) return fallbackMs;
  let ms: number;
  try {
    ms = parseDurationMs(text, name);
  } catch (cause) {
    throw new TinderboxError('config', (cause as Error).message, { cause });
  }
  if (ms <= mostMs) return ms;
  throw new TinderboxError('config', `${name} "${text}" is above the maximum of ${mostMs / 3_600_000}h`);
}

import { TinderboxError } from '../model/errors.ts';
import { assertBuildArgs, assertImageName } from './build-order.ts';

/** The config entry of a source archive: what to make of the files beside it. */
export interface SourceConfig {
  readonly image: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly lang?: string;
  readonly process?: string;
  readonly mode?: string;
  readonly noCache?: boolean;
  /** What it was asked to be built for, as Docker names it; builds here are for the host's own. */
  readonly platforms: readonly string[];
}

const known = ['image', 'buildArgs', 'platforms', 'skipPush', 'namespace', 'lang', 'process', 'mode', 'noCache'];
const textFields = ['namespace', 'lang', 'process', 'mode'] as const;

/** Parses the config entry's JSON. Throws `invalid`, naming the field. `skipPush` is taken and not used. */
export function parseSourceConfig(text: string): SourceConfig {
  const fields = parseObject(text);
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new TinderboxError('invalid', `build config: field "${unknown.slice(0, 100)}" is not known`);
  const { image, noCache } = fields;
  if (typeof image !== 'string') throw new TinderboxError('invalid', 'build config: "image" is missing or no text');
  assertImageName(image);
  if (noCache !== undefined && typeof noCache !== 'boolean') {
    throw new TinderboxError('invalid', 'build config: "noCache" is neither true nor false');
  }
  const texts = textFields.flatMap((name) => {
    const value = fields[name];
    if (value === undefined || value === null || value === '') return [];
    if (typeof value !== 'string') throw new TinderboxError('invalid', `build config: "${name}" is no text`);
    return [[name, value] as const];
  });
  const optional: Partial<Record<(typeof textFields)[number], string>> = Object.fromEntries(texts);
  return {
    image,
    buildArgs: parseBuildArgs(fields['buildArgs']),
    platforms: parsePlatforms(fields['platforms']),
    ...optional,
    ...(noCache === true ? { noCache } : {}),
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new TinderboxError('invalid', `build config is not JSON: ${(cause as Error).message}`, { cause });
  }
  throw new TinderboxError('invalid', 'build config is not a JSON object');
}

function parsePlatforms(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.length <= 20 && value.every((name) => typeof name === 'string')) return value;
  throw new TinderboxError('invalid', 'build config: "platforms" is not a list of at most 20 names');
}

function parseBuildArgs(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new TinderboxError('invalid', 'build config: "buildArgs" is not an object');
  }
  const entries = Object.entries(value);
  const wrong = entries.find(([, text]) => typeof text !== 'string');
  if (wrong !== undefined) throw new TinderboxError('invalid', `build config: build arg "${wrong[0]}" is no text`);
  const args = Object.fromEntries(entries) as Record<string, string>;
  assertBuildArgs(args);
  return args;
}

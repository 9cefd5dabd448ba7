import { LineCounter, parseDocument } from 'yaml';
import { TinderboxError } from '../model/errors.ts';
import { yamlProblem } from '../model/yaml-problem.ts';
import type { ConfigFile } from './config-file.ts';

/** Throws `config` with file, line and column for text that is not YAML or not a map. */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const first = document.errors[0];
  if (first !== undefined) {
    const at = lines.linePos(first.pos[0]);
    throw new TinderboxError('config', `${path}:${at.line}:${at.col}: ${yamlProblem(first)}`);
  }
  const tree: unknown = document.toJS({ maxAliasCount: 0 }) ?? {};
  if (!isMap(tree)) throw new TinderboxError('config', `${path}:1:1: a map of settings is expected`);
  const { build, ...rest } = tree;
  const { env, ...buildRest } = isMap(build) ? build : {};
  const values = flatten(build === undefined ? rest : { ...rest, build: isMap(build) ? buildRest : build });
  return { values, buildEnv: parseBuildEnv(env, path) };
}

function parseBuildEnv(env: unknown, path: string): Record<string, string> {
  if (isMap(env)) return flatten(env);
  if (env === undefined || env === null) return {};
  throw new TinderboxError('config', `setting build.env is not a map of variables (given by ${path})`, {
    hint: 'build: { env: { NAME: value } }',
  });
}

function flatten(tree: Record<string, unknown>, prefix = ''): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [key, value] of Object.entries(tree)) {
    if (isMap(value)) Object.assign(flat, flatten(value, `${prefix}${key}.`));
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      flat[prefix + key] = `${value}`;
    else throw new TinderboxError('config', `setting ${prefix}${key} is neither text, a number nor true or false`);
  }
  return flat;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

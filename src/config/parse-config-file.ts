import { isNode, LineCounter, parseDocument, visit } from 'yaml';
import { TinderboxError } from '../model/errors.ts';
import { yamlProblem } from '../model/yaml-problem.ts';
import type { ConfigFile } from './config-file.ts';

/** Throws `config` with file, line and column for text that is not YAML or not a map, and values that are no settings. */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const refuse = (offset: number, problem: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new TinderboxError('config', `${path}:${line}:${col}: ${problem}`);
  };
  const first = document.errors[0];
  if (first !== undefined) refuse(first.pos[0], yamlProblem(first));
  visit(document, { Alias: (_key, { range }) => refuse(range?.[0] ?? 0, 'an alias is not followed: write the value') });
  const refuseAt: RefuseAt = (keys, problem) => {
    const node = document.getIn(keys, true);
    return refuse((isNode(node) ? node.range?.[0] : undefined) ?? 0, problem);
  };
  const tree: unknown = document.toJS() ?? {};
  if (!isMap(tree)) return refuse(0, 'a map of settings is expected');
  const { build, ...rest } = tree;
  const { env, ...buildRest } = isMap(build) ? build : {};
  const others = build === undefined ? rest : { ...rest, build: isMap(build) ? buildRest : build };
  return { values: flatten(others, refuseAt, []), buildEnv: variablesIn(env ?? {}, refuseAt) };
}

type RefuseAt = (keys: readonly string[], problem: string) => never;

function flatten(tree: Record<string, unknown>, refuseAt: RefuseAt, above: readonly string[]): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [key, value] of Object.entries(tree)) {
    const keys = [...above, key];
    if (isMap(value)) Object.assign(flat, flatten(value, refuseAt, keys));
    else flat[keys.join('.')] = textOf(value, refuseAt, keys);
  }
  return flat;
}

/** `build.env`: names have no folders, so nothing is flattened. */
function variablesIn(env: unknown, refuseAt: RefuseAt): Record<string, string> {
  const above = ['build', 'env'];
  if (!isMap(env)) return refuseAt(above, 'setting build.env is not a map of variables');
  return Object.fromEntries(Object.entries(env).map(([key, value]) => [key, textOf(value, refuseAt, [...above, key])]));
}

function textOf(value: unknown, refuseAt: RefuseAt, keys: readonly string[]): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  return refuseAt(keys, `setting ${keys.join('.')} is neither text, a number nor true or false`);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

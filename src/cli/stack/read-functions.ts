import { resolve } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import type { ResourceAmounts } from '../../model/function.ts';
import { assertName, assertSecretName } from '../../model/names.ts';
import { parseCpu, parseMemory } from '../../model/quantity.ts';
import { resolveLanguage } from './language.ts';
import type { StackFunction } from './stack-file.ts';
import { readTriggers } from './read-triggers.ts';
import type { Entry, Place, YamlReader } from './yaml-reader.ts';

/** All of faas-cli's fields of a function; `platforms` is for container builds and means nothing here. */
const known = [
  'lang',
  'handler',
  'image',
  'fprocess',
  'namespace',
  'skip_build',
  'environment',
  'environment_file',
  'secrets',
  'constraints',
  'labels',
  'annotations',
  'limits',
  'requests',
  'readonly_root_filesystem',
  'build_args',
  'build_options',
  'build_secrets',
  'platforms',
  'publish',
  // Of tinderbox alone.
  'triggers',
];

/** What the functions of a file stand in. */
export interface FunctionSurroundings {
  /** Relative paths start from it. */
  readonly directory: string;
  /** Templates that are there or that the file says where to get, beside the languages that are known. */
  readonly templates: ReadonlySet<string>;
}

type Fields = ReadonlyMap<string, Entry>;

/** The functions below `functions:`; problems go to the reader. */
export function readFunctions(
  reader: YamlReader,
  functions: Place,
  { directory, templates }: FunctionSurroundings,
): readonly StackFunction[] {
  const found = reader.entries(functions);
  if (found.length === 0 && reader.isMap(functions))
    reader.note(functions.node, 'functions is empty: give at least one');
  return found.map((entry) => {
    check(reader, entry.keyNode, () => assertName('function', entry.key));
    checkLanguage(reader, entry, templates);
    return readFunction(reader, entry, directory);
  });
}

function readFunction(reader: YamlReader, entry: Entry, directory: string): StackFunction {
  const fields = reader.fields(entry, known);
  const files = fields.get('environment_file');
  const texts = readTexts(reader, fields);
  const flag = (name: string): boolean => fields.has(name) && reader.bool(placeOf(fields, name));
  if (texts['image'] === undefined && texts['handler'] === undefined && reader.isMap(entry)) {
    reader.note(entry.keyNode, `${entry.path} has neither handler nor image: give the folder with the source`);
  }
  return {
    name: entry.key,
    ...texts,
    ...(texts['handler'] === undefined ? {} : { handler: resolve(directory, texts['handler']) }),
    skipBuild: flag('skip_build'),
    environment: readTextMap(reader, fields.get('environment')),
    environmentFiles: (files === undefined ? [] : reader.items(files)).map((item) =>
      resolve(directory, reader.text(item)),
    ),
    secrets: readSecrets(reader, fields.get('secrets')),
    constraints: readTextList(reader, fields.get('constraints')),
    labels: readTextMap(reader, fields.get('labels')),
    annotations: readTextMap(reader, fields.get('annotations')),
    ...readAmounts(reader, fields, 'limits'),
    ...readAmounts(reader, fields, 'requests'),
    ...(fields.has('readonly_root_filesystem') ? { readOnlyRootFilesystem: flag('readonly_root_filesystem') } : {}),
    buildArgs: readTextMap(reader, fields.get('build_args')),
    ...(fields.has('build_options') ? { buildOptions: readTextList(reader, fields.get('build_options')) } : {}),
    ...(fields.has('triggers') ? { triggers: readTriggers(reader, fields.get('triggers')) } : {}),
    ...(fields.has('build_secrets') ? { buildSecrets: readPaths(reader, fields.get('build_secrets'), directory) } : {}),
  };
}

/** A template of one's own outranks a language of the same name, and makes known what is not. */
function checkLanguage(reader: YamlReader, entry: Entry, templates: ReadonlySet<string>): void {
  // What is no map is noted where its fields are read.
  if (!reader.isMap(entry)) return;
  const lang = reader.entries(entry).find(({ key }) => key === 'lang');
  const text = lang === undefined ? '' : reader.text(lang).trim();
  if (lang === undefined || text === '' || templates.has(text)) return;
  check(reader, lang.node, () => resolveLanguage(text));
}

function readTexts(
  reader: YamlReader,
  fields: Fields,
): Partial<Record<'lang' | 'handler' | 'image' | 'fprocess' | 'namespace', string>> {
  const texts: Partial<Record<'lang' | 'handler' | 'image' | 'fprocess' | 'namespace', string>> = {};
  for (const name of ['lang', 'handler', 'image', 'fprocess', 'namespace'] as const) {
    const field = fields.get(name);
    const text = field === undefined ? '' : reader.text(field).trim();
    if (field === undefined || text === '') continue;
    texts[name] = text;
    if (name === 'namespace') check(reader, field.node, () => assertName('namespace', text));
  }
  return texts;
}

function readTextMap(reader: YamlReader, place: Place | undefined): Record<string, string> {
  if (place === undefined) return {};
  return Object.fromEntries(reader.entries(place).map((entry) => [entry.key, reader.text(entry)]));
}

function readPaths(reader: YamlReader, place: Place | undefined, directory: string): Record<string, string> {
  const texts = Object.entries(readTextMap(reader, place));
  return Object.fromEntries(texts.map(([name, path]) => [name, resolve(directory, path)]));
}

function readTextList(reader: YamlReader, place: Place | undefined): readonly string[] {
  return place === undefined ? [] : reader.items(place).map((item) => reader.text(item));
}

function readSecrets(reader: YamlReader, place: Place | undefined): readonly string[] {
  if (place === undefined) return [];
  return reader.items(place).map((item) => {
    const name = reader.text(item);
    check(reader, item.node, () => assertSecretName(name));
    return name;
  });
}

function readAmounts(
  reader: YamlReader,
  fields: Fields,
  name: 'limits' | 'requests',
): Partial<Record<'limits' | 'requests', ResourceAmounts>> {
  const place = fields.get(name);
  if (place === undefined) return {};
  const amounts: { memory?: string; cpu?: string } = {};
  for (const [key, entry] of reader.fields(place, ['memory', 'cpu'])) {
    const text = reader.text(entry);
    check(reader, entry.node, () => (key === 'memory' ? parseMemory(text, entry.path) : parseCpu(text, entry.path)));
    amounts[key as 'memory' | 'cpu'] = text;
  }
  return { [name]: amounts };
}

function placeOf(fields: Fields, name: string): Place {
  return fields.get(name) ?? { node: null, path: name };
}

/** Notes what an assertion of the model has against a value, at the place of that value. */
function check(reader: YamlReader, node: Place['node'], assertion: () => void): void {
  try {
    assertion();
  } catch (reason) {
    const error = TinderboxError.from(reason);
    reader.note(node, error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
  }
}

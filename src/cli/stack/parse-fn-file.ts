import { LineCounter, type Node, parseDocument } from 'yaml';
import { TinderboxError } from '../../model/errors.ts';
import { assertName } from '../../model/names.ts';
import { yamlProblem } from '../../model/yaml-problem.ts';
import { resolveLanguage } from './language.ts';
import type { StackFile, StackFunction } from './stack-file.ts';
import { createYamlReader, type Entry, type YamlReader } from './yaml-reader.ts';

/** Fields of Fn's `func.yaml` that mean something here. */
const used = [
  'schema_version',
  'name',
  'version',
  'runtime',
  'entrypoint',
  'memory',
  'timeout',
  'idle_timeout',
  'config',
  'annotations',
];
/** Fields that Fn has, and that belong to its containers and routes. */
const unused = [
  'cmd',
  'build_image',
  'run_image',
  'triggers',
  'build',
  'format',
  'content_type',
  'type',
  'expects',
  'headers',
];

type Fields = ReadonlyMap<string, Entry>;

/**
 * Reads Fn's `func.yaml` as a stack file with one function, whose source is the folder it stands in. `version` becomes the
 * tag, `memory` (MiB) the limit, `config` the environment, `timeout` (seconds) `exec_timeout`, `idle_timeout` the time until
 * it sleeps. The handler is one of ours: Fn's FDKs speak a protocol of their own. Throws `invalid` with file, line and column.
 */
export function parseFnFile(text: string, file: string, directory: string): StackFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const placed = (offset: number, message: string): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}: ${message}`;
  };
  const refuse = (node: Node | null, message: string): never => {
    throw new TinderboxError('invalid', placed(node?.range?.[0] ?? 0, message));
  };
  const [broken] = document.errors;
  if (broken !== undefined) throw new TinderboxError('invalid', placed(broken.pos[0], yamlProblem(broken)));
  const reader = createYamlReader(document, refuse);
  const fields = reader.fields({ node: document.contents as Node | null, path: '' }, [...used, ...unused]);
  const ignored = unused.flatMap((name) => fields.get(name) ?? []);
  const warnings = ignored.map(({ key, keyNode }) => placed(keyNode.range?.[0] ?? 0, `${key} means nothing here`));
  return { file, directory, templates: [], copy: [], warnings, functions: [readFunction(reader, fields, directory)] };
}

function readFunction(reader: YamlReader, fields: Fields, directory: string): StackFunction {
  const text = (name: string): string => {
    const field = fields.get(name);
    return field === undefined ? '' : reader.text(field).trim();
  };
  const name = text('name');
  checked(reader, fields, 'name', () => assertName('function', name));
  const runtime = text('runtime');
  if (runtime !== '') checked(reader, fields, 'runtime', () => resolveLanguage(runtime));
  const [version, entrypoint, idle] = [
    text('version'),
    text('entrypoint'),
    wholeNumber(reader, fields, 'idle_timeout'),
  ];
  const [memory, timeout] = [wholeNumber(reader, fields, 'memory'), wholeNumber(reader, fields, 'timeout')];
  return {
    name,
    handler: directory,
    image: `${name}:${version === '' ? 'latest' : version}`,
    ...(runtime === '' ? {} : { lang: runtime }),
    ...(entrypoint === '' ? {} : { fprocess: entrypoint }),
    skipBuild: false,
    environment: {
      ...mapAt(reader, fields, 'config'),
      ...(timeout === undefined ? {} : { exec_timeout: `${timeout}s` }),
    },
    environmentFiles: [],
    secrets: [],
    constraints: [],
    labels: idle === undefined ? {} : { 'com.openfaas.scale.zero-duration': `${idle}s` },
    annotations: mapAt(reader, fields, 'annotations'),
    ...(memory === undefined ? {} : { limits: { memory: `${memory}Mi` } }),
    buildArgs: {},
  };
}

function checked(reader: YamlReader, fields: Fields, name: string, assertion: () => void): void {
  try {
    assertion();
  } catch (reason) {
    const { message, hint } = TinderboxError.from(reason);
    reader.note(fields.get(name)?.node ?? null, hint === undefined ? message : `${message}; ${hint}`);
  }
}

function wholeNumber(reader: YamlReader, fields: Fields, name: string): number | undefined {
  const field = fields.get(name);
  if (field === undefined) return undefined;
  const text = reader.text(field).trim();
  if (!/^\d{1,9}$/.test(text)) reader.note(field.node, `${name} is "${text}", not a whole number`);
  return Number(text);
}

function mapAt(reader: YamlReader, fields: Fields, name: string): Record<string, string> {
  const field = fields.get(name);
  return field === undefined
    ? {}
    : Object.fromEntries(reader.entries(field).map((entry) => [entry.key, reader.text(entry)]));
}

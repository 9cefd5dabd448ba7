import { resolve } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, type Node } from 'yaml';
import { TinderboxError } from '../../model/errors.ts';
import { yamlProblem } from '../../model/yaml-problem.ts';
import { repeatedKeys } from './repeated-keys.ts';
import { readFunctions } from './read-functions.ts';
import { readConfiguration } from './read-configuration.ts';
import type { StackFile } from './stack-file.ts';
import { substituteVariables } from './substitute.ts';
import { createYamlReader, type Entry, type Place, type YamlReader } from './yaml-reader.ts';

/** Where a stack file's text comes from and what its variables stand for. */
export interface StackSource {
  readonly text: string;
  /** Shown in messages. */
  readonly file: string;
  /** Folder that relative paths in it start from. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether `${VAR}` is replaced; default true. */
  readonly substitute?: boolean;
  /** Names of the templates in `template/` beside the file; default: none. */
  readonly templates?: readonly string[];
}

/** Something to say about a place in the file. */
interface Remark {
  readonly offset: number;
  readonly message: string;
}

const mostTold = 100;
const topFields = ['version', 'provider', 'functions', 'configuration'];

/**
 * Parses a stack file in faas-cli's format. Throws `invalid` with every problem on a line of its own, as
 * `file:line:column: what is wrong`, counted in the file as it is on disk.
 */
export function parseStack(source: StackSource): StackFile {
  const substituted = substituteVariables(source.text, (name) => source.env[name]);
  const plain = source.substitute === false;
  const lines = new LineCounter();
  // The library would compare each key of a map with all before it.
  const document = parseDocument(plain ? source.text : substituted.text, { lineCounter: lines, uniqueKeys: false });
  const positionOf = createPositions(source.text);
  const sourceOffset = (offset: number): number => (plain ? offset : substituted.sourceOffset(offset));

  const notes = (list: readonly Remark[]): readonly string[] =>
    [...list]
      .sort((a, b) => a.offset - b.offset)
      .map((note) => `${source.file}:${positionOf(note.offset)}: ${note.message}`);

  const problems: Remark[] = plain ? [] : [...substituted.problems];
  const warnings: Remark[] = [];
  const exhausted = document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  for (const error of exhausted === undefined ? document.errors : [exhausted]) {
    problems.push({ offset: sourceOffset(error.pos[0]), message: yamlProblem(error) });
  }
  for (const key of repeatedKeys(document)) {
    problems.push({ offset: sourceOffset(key.range?.[0] ?? 0), message: 'keys of a map must be unique' });
  }
  assertSound(source.file, notes(problems));

  const noteTo = (list: Remark[]) => (node: Node | null, message: string) => {
    list.push({ offset: sourceOffset(node?.range?.[0] ?? 0), message });
  };
  const reader = createYamlReader(document, noteTo(problems));
  const stack = readStack(reader, document.contents as Node | null, source, noteTo(warnings));
  assertSound(source.file, notes(problems));
  return { ...stack, file: source.file, warnings: notes(warnings) };
}

function readStack(
  reader: YamlReader,
  root: Node | null,
  source: StackSource,
  warn: (node: Node | null, message: string) => void,
): Omit<StackFile, 'file' | 'warnings'> {
  const top = reader.fields({ node: root, path: '' }, topFields);
  const version = top.get('version');
  if (version !== undefined && !['', '1.0'].includes(reader.text(version))) {
    reader.note(version.node, `version is "${reader.text(version)}", the only one there is is 1.0`);
  }
  const gateway = readProvider(reader, root, warn);
  const directory = resolve(source.directory);
  const configuration = readConfiguration(reader, top.get('configuration'), directory);
  const templates = new Set([...(source.templates ?? []), ...configuration.templates.map(({ name }) => name)]);
  const functions = top.get('functions');
  if (functions !== undefined) warnOfLatest(reader, functions, warn);
  if (functions === undefined) reader.note(root, 'there are no functions: give at least one below "functions:"');
  return {
    ...(gateway === undefined ? {} : { gateway }),
    ...configuration,
    directory,
    functions: functions === undefined ? [] : readFunctions(reader, functions, { directory, templates }),
  };
}

/** Told once, at the first such image: every scaffold has them. */
function warnOfLatest(reader: YamlReader, functions: Place, warn: (node: Node | null, message: string) => void): void {
  const images = entriesOf(reader, functions).flatMap((fn) =>
    entriesOf(reader, fn).filter(
      ({ key, node }) => key === 'image' && isScalar(node) && reader.text({ node, path: '' }).endsWith(':latest'),
    ),
  );
  const [first] = images;
  if (first === undefined) return;
  const more = images.length === 1 ? '' : ` (and ${images.length - 1} more)`;
  const why =
    'the tag "latest" moves with every build, so it does not say which build is deployed; use a version or --tag';
  warn(first.node, `${first.path}${more}: ${why}`);
}

function entriesOf(reader: YamlReader, place: Place): readonly Entry[] {
  return isMap(place.node) ? reader.entries(place) : [];
}

function readProvider(
  reader: YamlReader,
  root: Node | null,
  warn: (node: Node | null, message: string) => void,
): string | undefined {
  const top = new Map(reader.entries({ node: root, path: '' }).map((entry) => [entry.key, entry]));
  const provider = top.get('provider');
  if (provider === undefined) return undefined;
  const fields = reader.fields(provider, ['name', 'gateway', 'network']);
  const name = fields.get('name');
  const given = name === undefined ? 'openfaas' : reader.text(name);
  if (name !== undefined && given === 'faas')
    warn(name.node, 'provider.name "faas" is the old spelling of "openfaas", which newer clients refuse');
  if (name !== undefined && given !== 'openfaas' && given !== 'faas') {
    reader.note(name.node, `provider.name is "${given}", it must be openfaas`);
  }
  const gateway = fields.get('gateway');
  const url = gateway === undefined ? '' : reader.text(gateway).trim();
  if (gateway !== undefined && url !== '' && !/^https?:\/\/[^/]/.test(url)) {
    reader.note(gateway.node, `provider.gateway is "${url}", it must begin with http:// or https://`);
  }
  return url === '' ? undefined : url;
}

function createPositions(text: string): (offset: number) => string {
  const starts = [0];
  for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1)) starts.push(index + 1);
  return (offset) => {
    let [line, after] = [0, starts.length];
    while (after - line > 1) {
      const middle = (line + after) >>> 1;
      if ((starts[middle] ?? 0) <= offset) line = middle;
      else after = middle;
    }
    return `${line + 1}:${offset - (starts[line] ?? 0) + 1}`;
  };
}

function assertSound(file: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const lines = problems.slice(0, mostTold).map((line) => `  ${line}`);
  if (problems.length > mostTold) lines.push(`  and ${problems.length - mostTold} more`);
  throw new TinderboxError('invalid', `${file} has ${count}:\n${lines.join('\n')}`);
}

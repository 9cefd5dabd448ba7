import { resolve } from 'node:path';
import { LineCounter, parseDocument, type Node } from 'yaml';
import { TinderboxError } from '../../model/errors.ts';
import { readFunctions } from './read-functions.ts';
import type { StackFile } from './stack-file.ts';
import { substituteVariables } from './substitute.ts';
import { createYamlReader, type YamlReader } from './yaml-reader.ts';

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
}

/** Something to say about a place in the file. */
interface Remark {
  readonly offset: number;
  readonly message: string;
}

const topFields = ['version', 'provider', 'functions', 'configuration'];

/**
 * Parses a stack file in faas-cli's format. Throws `invalid` with every problem on a line of its own, as
 * `file:line:column: what is wrong`, counted in the file as it is on disk.
 */
export function parseStack(source: StackSource): StackFile {
  const substituted = substituteVariables(source.text, (name) => source.env[name]);
  const plain = source.substitute === false;
  const lines = new LineCounter();
  const document = parseDocument(plain ? source.text : substituted.text, { lineCounter: lines, uniqueKeys: true });
  const positionOf = createPositions(source.text);
  const sourceOffset = (offset: number): number => (plain ? offset : substituted.sourceOffset(offset));

  const notes = (list: readonly Remark[]): readonly string[] =>
    [...list]
      .sort((a, b) => a.offset - b.offset)
      .map((note) => `${source.file}:${positionOf(note.offset)}: ${note.message}`);

  const problems: Remark[] = plain ? [] : [...substituted.problems];
  const warnings: Remark[] = [];
  for (const error of document.errors) {
    problems.push({ offset: sourceOffset(error.pos[0]), message: firstLine(error.message) });
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
): Pick<StackFile, 'gateway' | 'functions'> {
  const top = reader.fields({ node: root, path: '' }, topFields);
  const gateway = readProvider(reader, root, warn);
  const configuration = top.get('configuration');
  if (configuration !== undefined) {
    reader.fields(configuration, ['templates', 'copy']);
    warn(configuration.keyNode, 'configuration is not used: templates come with tinderbox, and nothing is copied');
  }
  const functions = top.get('functions');
  if (functions === undefined) reader.note(root, 'there are no functions: give at least one below "functions:"');
  return {
    ...(gateway === undefined ? {} : { gateway }),
    functions: functions === undefined ? [] : readFunctions(reader, functions, resolve(source.directory)),
  };
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
  if (name !== undefined && given === 'faas') warn(name.node, 'provider.name "faas" is the old spelling of "openfaas"');
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
    const line = starts.findLastIndex((start) => start <= offset);
    return `${line + 1}:${offset - (starts[line] ?? 0) + 1}`;
  };
}

function assertSound(file: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  throw new TinderboxError('invalid', `${file} has ${count}:\n${problems.map((line) => `  ${line}`).join('\n')}`);
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}

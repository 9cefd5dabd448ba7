import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument, type Node } from 'yaml';
import { TinderboxError } from '../../model/errors.ts';
import { yamlProblem } from '../../model/yaml-problem.ts';
import type { StackFunction } from './stack-file.ts';
import { createYamlReader } from './yaml-reader.ts';

/** Environment of a function: inline values, then its files in order; the later wins, as with faas-cli. */
export async function loadEnvironment(fn: StackFunction): Promise<Record<string, string>> {
  const environment: Record<string, string> = { ...fn.environment };
  for (const file of fn.environmentFiles) Object.assign(environment, await readEnvironmentFile(file));
  return environment;
}

async function readEnvironmentFile(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new TinderboxError('invalid', `environment file ${file} cannot be read: ${cause.message}`, { cause });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const refuse = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new TinderboxError('invalid', `${file}:${line}:${col}: ${message}`);
  };
  const broken = document.errors[0];
  if (broken !== undefined) refuse(broken.pos[0], yamlProblem(broken));
  const reader = createYamlReader(document, (node, message) => refuse(node?.range?.[0] ?? 0, message));
  const top = reader.fields({ node: document.contents as Node | null, path: '' }, ['environment']);
  const environment = top.get('environment');
  return Object.fromEntries(
    (environment === undefined ? [] : reader.entries(environment)).map((entry) => [entry.key, reader.text(entry)]),
  );
}

import { mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMap, parseDocument, type Document } from 'yaml';
import { TinderboxError } from '../../model/errors.ts';
import { yamlProblem } from '../../model/yaml-problem.ts';

const emptyStack = (gateway: string): string => `version: "1.0"
provider:
  name: openfaas
  gateway: ${gateway}
functions: {}
`;

/**
 * Adds a function to a stack file, keeping comments and order of what is there, or makes the file, for that gateway. `prepare` runs
 * after every check and before the file changes. Throws `conflict` when the file has the function already.
 */
export async function appendToStack(
  file: string,
  name: string,
  entry: Readonly<Record<string, unknown>>,
  prepare: () => Promise<void>,
  gateway: string,
): Promise<void> {
  const document = await readDocument(file, gateway);
  const functions = document.get('functions');
  if (isMap(functions)) {
    if (functions.has(name)) {
      throw new TinderboxError('conflict', `${file} has a function ${name} already`, { hint: 'take another name' });
    }
    functions.flow = false;
    functions.set(document.createNode(name), document.createNode(entry));
  } else {
    document.set('functions', document.createNode({ [name]: entry }));
  }
  await mkdir(dirname(file), { recursive: true });
  await prepare();
  await replaceText(file, document.toString({ lineWidth: 0 }));
}

/** In one step. A link goes on leading to the file it names, and who may read the file stays as it was. */
async function replaceText(file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const there = await stat(target).catch(() => undefined);
  const fresh = `${target}.${process.pid}.tmp`;
  await writeFile(fresh, text, there === undefined ? {} : { mode: there.mode });
  await rename(fresh, target);
}

async function readDocument(file: string, gateway: string): Promise<Document> {
  const text = await readFile(file, 'utf8').catch((reason: NodeJS.ErrnoException) => {
    if (reason.code === 'ENOENT') return emptyStack(gateway);
    throw new TinderboxError('invalid', `${file} cannot be read: ${reason.message}`, { cause: reason });
  });
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken !== undefined) throw new TinderboxError('invalid', `${file}: ${yamlProblem(broken)}`);
  if (document.contents !== null && !isMap(document.contents)) {
    throw new TinderboxError('invalid', `${file} is not a stack file: a map is expected at its top`);
  }
  return document;
}

import { stripTypeScriptTypes } from 'node:module';
import { posix } from 'node:path';
import { TinderboxError } from '../model/errors.ts';

/** JavaScript made of a folder's TypeScript. */
export interface CompiledTypeScript {
  /** New and changed files, paths as in the source. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** TypeScript path → path of the JavaScript made of it. */
  readonly renamed: ReadonlyMap<string, string>;
}

const typed = /\.(ts|mts|cts)$/;
const plain = /\.(js|mjs|cjs)$/;
const moduleSyntax = /^[ \t]*(import|export)\b/m;
const specifier = /(\bfrom\s*|\bimport\s*(?:\(\s*)?|\brequire\s*\(\s*)(['"])(\.{1,2}\/[^'"\n]+\.[mc]?ts)\2/g;
const unsupportedOptions = ['paths', 'baseUrl', 'experimentalDecorators', 'emitDecoratorMetadata', 'jsx'];

/** Whether JavaScript is made of a file. */
export function isTypeScript(path: string): boolean {
  return typed.test(path) && !path.endsWith('.d.ts');
}

/**
 * Takes the types out of every `.ts` file (lines and columns stay) and lets relative imports name the result. Throws
 * `invalid` for enums, namespaces, decorators, JSX and for tsconfig options that need a compiler.
 */
export async function compileTypeScript(
  paths: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<CompiledTypeScript> {
  const sources = paths.filter(isTypeScript);
  await assertOptions(paths, read);
  const packages = await readPackageTypes(paths, read);
  const stripped = new Map<string, string>();
  for (const path of sources) stripped.set(path, stripTypes(path, await read(path)));
  const renamed = new Map([...stripped].map(([path, text]) => [path, javaScriptName(path, text, packages)]));
  assertFree(renamed, new Set(paths));
  const files = [...stripped].map(([path, text]) => ({
    path: renamed.get(path) ?? path,
    text: renameImports(path, text, renamed),
  }));
  for (const path of paths.filter((name) => plain.test(name))) {
    const text = await read(path);
    const changed = renameImports(path, text, renamed);
    if (changed !== text) files.push({ path, text: changed });
  }
  return { files, renamed };
}

function stripTypes(path: string, text: string): string {
  try {
    return stripTypeScriptTypes(text);
  } catch (error) {
    throw new TinderboxError('invalid', `${path}: ${reasonOf(error)}`, {
      cause: error,
      hint: 'types are taken out, nothing else is compiled: no enum, namespace, decorator, parameter property or JSX',
    });
  }
}

/** Anything but a complaint about the text is the parser's own end: its stack or its memory was not enough. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.endsWith('_TYPESCRIPT_SYNTAX') === true) return message.trim().split('\n')[0] ?? message;
  return 'it is too large, or nested too deeply, to be read';
}

function javaScriptName(path: string, text: string, packages: ReadonlyMap<string, string>): string {
  const base = path.replace(typed, '');
  if (path.endsWith('.mts')) return `${base}.mjs`;
  if (path.endsWith('.cts')) return `${base}.cjs`;
  if (nearestType(path, packages) !== undefined) return `${base}.js`;
  return moduleSyntax.test(text) ? `${base}.mjs` : `${base}.cjs`;
}

/** `type` of every package.json that has one, by folder. */
async function readPackageTypes(
  paths: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of paths.filter((name) => posix.basename(name) === 'package.json')) {
    const type = /"type"\s*:\s*"(module|commonjs)"/.exec(await read(path))?.[1];
    if (type !== undefined) found.set(posix.dirname(path), type);
  }
  return found;
}

function nearestType(path: string, packages: ReadonlyMap<string, string>): string | undefined {
  for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
    const type = packages.get(folder);
    if (type !== undefined || folder === '.') return type;
  }
}

function assertFree(renamed: ReadonlyMap<string, string>, taken: ReadonlySet<string>): void {
  for (const [from, to] of renamed) {
    if (taken.has(to)) {
      throw new TinderboxError('invalid', `${from} and ${to} are both in the source; one of them has to go`);
    }
  }
}

function renameImports(path: string, text: string, renamed: ReadonlyMap<string, string>): string {
  return text.replace(specifier, (whole, lead: string, quote: string, name: string) => {
    const target = renamed.get(posix.normalize(posix.join(posix.dirname(path), name)));
    if (target === undefined) return whole;
    return `${lead}${quote}${name.replace(typed, posix.extname(target))}${quote}`;
  });
}

async function assertOptions(paths: readonly string[], read: (path: string) => Promise<string>): Promise<void> {
  const jsx = paths.find((path) => path.endsWith('.tsx'));
  if (jsx !== undefined)
    throw new TinderboxError('invalid', `${jsx}: JSX needs a compiler, which this builder has none of`);
  if (!paths.includes('tsconfig.json')) return;
  const text = await read('tsconfig.json');
  const found = unsupportedOptions.find((option) =>
    new RegExp(`^[^/\\n]*"${option}"\\s*:\\s*(?!false)`, 'm').test(text),
  );
  if (found !== undefined) {
    throw new TinderboxError(
      'invalid',
      `tsconfig.json sets "${found}", which needs a compiler; types are only taken out`,
    );
  }
}

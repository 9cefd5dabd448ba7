import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

/** Files of one installation: text by path below it, and the source files they came from. */
export interface ModuleSet {
  readonly texts: ReadonlyMap<string, string>;
  readonly sources: readonly string[];
}

const importPattern = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.{1,2}\/[^'"]+)\2/g;
const sourceExtension = /\.(ts|js|mjs)$/;

/**
 * The modules reachable from `entries` (paths below `root` without extension) as plain JavaScript ending in `.mjs`, so
 * that starting them needs neither type stripping nor a package.json. Works on the source tree (`.ts`) and on the
 * published one (`.js`). Entries that do not exist are left out.
 */
export function collectModules(root: string, entries: readonly string[]): ModuleSet {
  const texts = new Map<string, string>();
  const sources = new Set<string>();
  const queue = entries.flatMap((entry) => findSource(resolve(root, entry)) ?? []);
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (sources.has(file)) continue;
    const { text, imports } = toPlainModule(file);
    sources.add(file);
    texts.set(relative(root, file).replace(sourceExtension, '.mjs'), text);
    queue.push(...imports);
  }
  return { texts, sources: [...sources] };
}

/** Files of a folder as they are, by extension and at every depth; empty when there is no such folder. */
export function collectFiles(root: string, folder: string, extension: string): ModuleSet {
  const base = join(root, folder);
  if (!existsSync(base)) return { texts: new Map(), sources: [] };
  const names = readdirSync(base, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith(extension) && !/(^|\/)(test_[^/]*|tests\/.*)$/.test(name),
  );
  const texts = new Map(names.map((name) => [join(folder, name), readFileSync(join(base, name), 'utf8')]));
  return { texts, sources: names.map((name) => join(base, name)) };
}

/** Names one installation: the same texts have the same name. */
export function hashTexts(texts: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const [path, text] of [...texts].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${path}\0${text}\0`);
  return hash.digest('hex').slice(0, 16);
}

function toPlainModule(file: string): { readonly text: string; readonly imports: string[] } {
  const source = readFileSync(file, 'utf8');
  // Type-only imports are gone after stripping, so what is left is needed at run time.
  const plain = file.endsWith('.ts') ? stripQuietly(source) : source;
  const imports: string[] = [];
  const text = plain.replaceAll(importPattern, (_whole, before: string, quote: string, specifier: string) => {
    const target = resolve(dirname(file), specifier);
    if (existsSync(target)) imports.push(target);
    return `${before}${quote}${specifier.replace(sourceExtension, '.mjs')}${quote}`;
  });
  return { text, imports };
}

/** Node warns once that stripping is experimental; whoever starts the platform can do nothing about it. */
function stripQuietly(source: string): string {
  const warn = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = warn;
  }
}

function findSource(base: string): string | undefined {
  return ['.ts', '.js', '.mjs'].map((extension) => base + extension).find((file) => existsSync(file));
}

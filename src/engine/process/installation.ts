import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleModules } from './bundle-modules.ts';
import { type ModuleSet, collectFiles, collectModules, hashTexts } from './install-modules.ts';
import { moveIntoPlace } from './move-into-place.ts';

/** What is started from an installation, as paths without extension. */
export const entries = {
  keeper: 'engine/process/keeper/main',
  sweep: 'engine/process/keeper/sweep-main',
  node: 'runtime/node/main',
  watchdog: 'runtime/watchdog/main',
} as const;
export const pythonMain = 'runtime/python/main.py';

/** What the last installation was made of: while no source changed, nothing needs to be made again. */
interface InstallationRecord {
  readonly directory: string;
  readonly root: string;
  /** Entries that were there; one more means a new installation. */
  readonly present: readonly string[];
  /** Hash of each source file. */
  readonly sources: Readonly<Record<string, string>>;
}

const recordName = 'installed.json';

/** Directory of the last installation, if it was made of what the sources are now. */
export function findInstallation(runtimeDir: string, root: string): string | undefined {
  try {
    const record = JSON.parse(readFileSync(join(runtimeDir, recordName), 'utf8')) as InstallationRecord;
    if (record.root !== root || !existsSync(record.directory)) return undefined;
    if (record.present.join() !== presentEntries(root).join()) return undefined;
    const same = Object.entries(record.sources).every(([file, hash]) => hashFile(file) === hash);
    return same ? record.directory : undefined;
  } catch {
    return undefined;
  }
}

function presentEntries(root: string): readonly string[] {
  const candidates = [...Object.values(entries).flatMap((entry) => [`${entry}.ts`, `${entry}.js`]), pythonMain];
  return candidates.filter((path) => existsSync(join(root, path)));
}

/** Makes an installation of what the sources are now, and its record; returns its directory. */
export function makeInstallation(sourceRoot: string, runtimeDir: string): string {
  const modules = collectModules(sourceRoot, Object.values(entries));
  const python = collectFiles(sourceRoot, dirname(pythonMain), '.py');
  const programs = Object.values(entries)
    .filter((entry) => modules.texts.has(`${entry}.mjs`))
    .map((entry) => [`${entry}.cjs`, bundleModules(modules.texts, `${entry}.mjs`)] as const);
  const handlers = ['.cjs', '.mjs'].map((extension) => collectFiles(sourceRoot, dirname(entries.node), extension));
  const texts = new Map([...programs, ...handlers.flatMap((set) => [...set.texts]), ...python.texts]);
  const directory = join(runtimeDir, hashTexts(texts));
  if (!existsSync(directory)) writeTexts(texts, runtimeDir, directory);
  writeRecord(runtimeDir, directory, sourceRoot, [modules, ...handlers, python]);
  return directory;
}

function writeTexts(texts: ReadonlyMap<string, string>, runtimeDir: string, directory: string): void {
  const temporary = mkdtempSync(join(runtimeDir, '.new-'));
  const before = process.umask(0o022);
  try {
    for (const [path, text] of texts) {
      const file = join(temporary, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  } finally {
    process.umask(before);
  }
  chmodSync(temporary, 0o755);
  moveIntoPlace(temporary, directory);
}

function writeRecord(runtimeDir: string, directory: string, root: string, sets: readonly ModuleSet[]): void {
  const files = sets.flatMap((set) => set.sources);
  const sources = Object.fromEntries(files.map((file) => [file, hashFile(file)]));
  const record: InstallationRecord = { directory, root, present: presentEntries(root), sources };
  const temporary = join(runtimeDir, `.${recordName}-${process.pid}`);
  writeFileSync(temporary, JSON.stringify(record));
  moveIntoPlace(temporary, join(runtimeDir, recordName));
}

function hashFile(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

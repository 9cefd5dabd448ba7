import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type ModuleSet, collectFiles, collectModules, hashTexts } from './install-modules.ts';
import { installNode } from './install-node.ts';
import { moveIntoPlace } from './move-into-place.ts';

/** What was installed, as absolute paths; a runtime this build of the platform lacks is undefined. */
export interface InstalledRuntimes {
  /** Node binary that every function's user can execute. */
  readonly node: string;
  readonly keeperMain: string;
  readonly nodeMain: string | undefined;
  readonly pythonMain: string | undefined;
  readonly watchdogMain: string | undefined;
}

export interface InstallOptions {
  readonly runDir: string;
  /** Node binary to run functions with; default: the one running now. */
  readonly node?: string;
  /** Whether functions run as other users, who must be able to reach what they run. */
  readonly otherUsers: boolean;
  /** The platform's modules; default: the tree this file is in. */
  readonly sourceRoot?: string;
}

const entries = {
  keeper: 'engine/process/keeper/main',
  node: 'runtime/node/main',
  watchdog: 'runtime/watchdog/main',
} as const;
const pythonMain = 'runtime/python/main.py';

/**
 * Puts what functions run on into `runDir/runtime`: the shims and the keeper as plain JavaScript under a name made of
 * their content, readable by everyone and writable by nobody else, and a reachable Node binary. Doing it again costs a
 * few milliseconds; a platform that was upgraded installs beside what living instances still use.
 */
export function installRuntimes(options: InstallOptions): InstalledRuntimes {
  const sourceRoot = options.sourceRoot ?? resolve(import.meta.dirname, '../..');
  const runtimeDir = join(options.runDir, 'runtime');
  mkdirSync(runtimeDir, { recursive: true, mode: 0o755 });
  chmodSync(runtimeDir, 0o755);
  const directory = findInstallation(runtimeDir, sourceRoot) ?? install(sourceRoot, runtimeDir);
  const find = (path: string): string | undefined => {
    const file = join(directory, path);
    return existsSync(file) ? file : undefined;
  };
  return {
    node: installNode(options.node ?? process.execPath, runtimeDir, options.otherUsers),
    keeperMain: join(directory, `${entries.keeper}.mjs`),
    nodeMain: find(`${entries.node}.mjs`),
    pythonMain: find(pythonMain),
    watchdogMain: find(`${entries.watchdog}.mjs`),
  };
}

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

function findInstallation(runtimeDir: string, root: string): string | undefined {
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

function install(sourceRoot: string, runtimeDir: string): string {
  const modules = collectModules(sourceRoot, Object.values(entries));
  const python = collectFiles(sourceRoot, dirname(pythonMain), '.py');
  const texts = new Map([...modules.texts, ...python.texts]);
  const directory = join(runtimeDir, hashTexts(texts));
  if (!existsSync(directory)) writeTexts(texts, runtimeDir, directory);
  writeRecord(runtimeDir, directory, sourceRoot, [modules, python]);
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

import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareText } from './source-tree.ts';

const maxListed = 5000;
const maxTextLength = 300;
const maxFileBytes = 64 * 1024 * 1024;

/**
 * What a build installed, name to exact version, for the manifest; at most 5,000. A package below another one is listed
 * with its path, as npm's lock writes it. Made by untrusted code, so anything unreadable is left out.
 */
export async function readDependencies(folders: {
  readonly code: string;
  readonly sitePackages: string;
}): Promise<Readonly<Record<string, string>>> {
  const lists = await Promise.all([
    readNpm(folders.code),
    readPip(folders.sitePackages),
    readGoMod(join(folders.code, 'go.mod')),
  ]);
  const found = lists.flat();
  const kept = found
    .filter(([name, version]) => name.length <= maxTextLength && version.length <= maxTextLength)
    .sort(([a], [b]) => compareText(a, b))
    .slice(0, maxListed);
  return Object.fromEntries(kept);
}

async function readNpm(code: string): Promise<[string, string][]> {
  const text = (await readInstalled(code)) ?? (await readText(join(code, 'package-lock.json')));
  if (text === undefined) return [];
  try {
    const lock = JSON.parse(text) as { packages?: Record<string, { version?: unknown }> };
    return Object.entries(lock.packages ?? {}).flatMap(([path, entry]): [string, string][] =>
      path.startsWith('node_modules/') && typeof entry?.version === 'string'
        ? [[path.slice('node_modules/'.length), entry.version]]
        : [],
    );
  } catch {
    return [];
  }
}

async function readPip(sitePackages: string): Promise<[string, string][]> {
  const names = await readdir(sitePackages).catch(() => []);
  return names.flatMap((name): [string, string][] => {
    const match = /^(.+)-([^-]+)\.dist-info$/.exec(name);
    return match === null ? [] : [[match[1] ?? '', match[2] ?? '']];
  });
}

/** Modules a `go.mod` requires, as the build wrote it. */
async function readGoMod(file: string): Promise<[string, string][]> {
  const text = (await readText(file)) ?? '';
  const lines = text.matchAll(/^[ \t]*(?:require[ \t]+)?([\w.~-]+(?:\/[\w.~-]+)+)\s+(v\d\S*)/gm);
  return [...lines].map((match) => [match[1] ?? '', match[2] ?? '']);
}

async function readInstalled(code: string): Promise<string | undefined> {
  const modules = join(code, 'node_modules');
  const stats = await lstat(modules).catch(() => undefined);
  return stats?.isDirectory() === true ? await readText(join(modules, '.package-lock.json')) : undefined;
}

/** Follows no link: the build may have made one to a file that only the platform can read. */
async function readText(file: string): Promise<string | undefined> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  try {
    const stats = await handle?.stat();
    return stats?.isFile() === true && stats.size <= maxFileBytes ? await handle?.readFile('utf8') : undefined;
  } finally {
    await handle?.close();
  }
}

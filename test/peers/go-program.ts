import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const cache = resolve(import.meta.dirname, '../.cache');

/** A foreign client, or why it cannot be had here. */
export type Obtained = { readonly file: string } | { readonly missing: string };

/**
 * Builds what the module in `folder` makes of `target`, once, and keeps it until the module changes. OpenFaaS's tags are
 * often no Go versions, so `go.mod` names commits, and `go.sum` holds what their content must hash to.
 */
export function buildGoProgram(name: string, folder: string, target = '.'): Obtained {
  const file = join(cache, name);
  const module = join(import.meta.dirname, folder);
  if (
    isNewer(
      file,
      ['go.mod', 'go.sum', 'main.go'].map((source) => join(module, source)),
    )
  )
    return { file };
  mkdirSync(cache, { recursive: true });
  const built = spawnSync('go', ['build', '-o', file, target], { cwd: module, encoding: 'utf8' });
  if (built.error !== undefined) return { missing: `${name} is built with Go, which is not on PATH` };
  return built.status === 0 ? { file } : { missing: `${name} could not be built: ${built.stderr}` };
}

/** A release that Go's module proxies need not serve, put to `$PEER_PROGRAMS/<name>`; undefined where none was. */
export function findRelease(name: string): Obtained | undefined {
  const folder = process.env['PEER_PROGRAMS'];
  const file = folder === undefined ? undefined : join(folder, name);
  return file !== undefined && existsSync(file) ? { file } : undefined;
}

/** The newest faas-cli: the release `faas-cli`, else the newest that can be had as a Go module, 0.17.0. */
export function buildFaasCli(): Obtained {
  return findRelease('faas-cli') ?? buildGoProgram('faas-cli', 'go', 'github.com/openfaas/faas-cli');
}

/** One of the old line, with the namespace in the query: the release `faas-cli-old`, else 0.13.14. */
export function buildOldFaasCli(): Obtained {
  return findRelease('faas-cli-old') ?? buildGoProgram('faas-cli-old', 'go-old', 'github.com/openfaas/faas-cli');
}

/** Runs a program to its end; what it prints on both streams in the order it came. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>>; readonly stdin?: string },
): Promise<{ readonly code: number; readonly output: string }> {
  const env = { PATH: process.env['PATH'], HOME: options.cwd, ...options.env };
  const child = spawn(file, [...args], { cwd: options.cwd, env });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined).end(options.stdin ?? '');
  const [code] = (await once(child, 'close')) as [number];
  return { code, output: Buffer.concat(chunks).toString() };
}

/** By when a source was put there: what came out of an archive has the time of its release. */
function isNewer(file: string, sources: readonly string[]): boolean {
  if (!existsSync(file)) return false;
  const builtMs = statSync(file).mtimeMs;
  return sources.every((source) => !existsSync(source) || statSync(source).ctimeMs < builtMs);
}

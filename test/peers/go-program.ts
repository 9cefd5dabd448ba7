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
  if (spawnSync('go', ['version']).error !== undefined)
    return { missing: `${name} is built with Go, which is not on PATH` };
  mkdirSync(cache, { recursive: true });
  const built = spawnSync('go', ['build', '-o', file, target], { cwd: module, encoding: 'utf8' });
  return built.status === 0 ? { file } : { missing: `${name} could not be built: ${built.stderr}` };
}

/** The newest faas-cli that can be had as a Go module, 0.17.0. */
export function buildFaasCli(): Obtained {
  return buildGoProgram('faas-cli', 'go', 'github.com/openfaas/faas-cli');
}

/** One of the old line, 0.13.14: the namespace in the query, the builder not yet there. */
export function buildOldFaasCli(): Obtained {
  return buildGoProgram('faas-cli-old', 'go-old', 'github.com/openfaas/faas-cli');
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

function isNewer(file: string, sources: readonly string[]): boolean {
  if (!existsSync(file)) return false;
  const builtMs = statSync(file).mtimeMs;
  return sources.every((source) => !existsSync(source) || statSync(source).mtimeMs < builtMs);
}

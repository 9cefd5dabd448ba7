import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const cache = resolve(import.meta.dirname, '../.cache');

/**
 * Path of the real client, built from its Go module once and kept; the reason where that is not possible. Its tags are
 * no Go versions, so `go/go.mod` names a commit, and `go/go.sum` holds what its content must hash to.
 */
export function buildFaasCli(): { file: string } | { missing: string } {
  const file = join(cache, 'faas-cli');
  if (existsSync(file)) return { file };
  if (spawnSync('go', ['version']).error !== undefined)
    return { missing: 'faas-cli is built with Go, which is not on PATH' };
  mkdirSync(cache, { recursive: true });
  const built = spawnSync('go', ['build', '-o', file, 'github.com/openfaas/faas-cli'], {
    cwd: join(import.meta.dirname, 'go'),
    encoding: 'utf8',
  });
  return built.status === 0 ? { file } : { missing: `faas-cli could not be built: ${built.stderr}` };
}

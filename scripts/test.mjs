// `npm test`: the check, then every suite. Words after `--` choose files by part of their path.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const peers = process.argv.includes('--peers');
const chosen = process.argv.slice(2).filter((word) => !word.startsWith('--'));

const patterns = peers ? ['test/peers/**/*.test.ts'] : ['src/**/*.test.ts', 'test/*.test.ts', 'test/e2e/**/*.test.ts'];
const files = patterns
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((file) => chosen.length === 0 || chosen.some((word) => file.includes(word)))
  .sort();

if (chosen.length === 0 && !peers) run(process.execPath, [join(root, 'scripts', 'check.mjs')]);
run(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=240000', ...files]);

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

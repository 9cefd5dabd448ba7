// `npm test`: the check, then every suite. Words after `--` choose files by part of their path. `--peers` runs what needs
// foreign clients instead, `--chaos` the kills and other faults, each 50 times at random moments.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const peers = process.argv.includes('--peers');
const chaos = process.argv.includes('--chaos');
const chosen = process.argv.slice(2).filter((word) => !word.startsWith('--'));

// Every file is a process of its own, which would strip the types of all it loads again.
const compileCache = join(root, 'node_modules', '.cache', 'compile');

const patterns = choosePatterns();
const files = patterns
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((file) => chosen.length === 0 || chosen.some((word) => file.includes(word)))
  .sort();

if (chosen.length === 0 && !peers && !chaos) run(process.execPath, [join(root, 'scripts', 'check.mjs')]);
// A file of peers compiles clients, or whole toolchains' worth of templates.
const timeoutMs = chaos ? 7_200_000 : peers ? 3_600_000 : 240_000;
run(process.execPath, ['--test', '--test-concurrency=4', `--test-timeout=${timeoutMs}`, ...files]);

function choosePatterns() {
  if (peers) return ['test/peers/**/*.test.ts'];
  if (chaos) return ['test/e2e/{kill,fault}*.test.ts'];
  return ['src/**/*.test.ts', 'test/*.test.ts', 'test/e2e/**/*.test.ts'];
}

function run(command, args) {
  const env = { NODE_COMPILE_CACHE: compileCache, ...(chaos ? { CHAOS_ROUNDS: '50' } : {}), ...process.env };
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

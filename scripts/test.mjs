// `npm test`: the check, then every suite. Words after `--` choose files by part of their path. `--peers` runs what needs
// foreign clients instead, `--chaos` the kills and other faults, each 50 times at random moments.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run as runTests } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const peers = process.argv.includes('--peers');
const chaos = process.argv.includes('--chaos');
const chosen = process.argv.slice(2).filter((word) => !word.startsWith('--'));

// Every file is a process of its own, which would strip the types of all it loads again. Outside of what suites copy.
const compileCache = join(root, 'test', '.cache', 'compile');

if (chosen.length === 0 && !peers && !chaos) check();
// A file of peers compiles clients, or whole toolchains' worth of templates.
const timeout = chaos ? 7_200_000 : peers ? 3_600_000 : 240_000;
process.env.NODE_COMPILE_CACHE ??= compileCache;
if (chaos) process.env.CHAOS_ROUNDS ??= '50';
process.chdir(root);
const files = chooseFiles();
const unknown = chosen.filter((word) => !files.some((file) => relative(root, file).includes(word)));
if (files.length === 0 || unknown.length > 0) {
  console.error(`test: no suite has ${unknown.map((word) => `"${word}"`).join(' or ')} in its path`);
  process.exit(1);
}
runTests({ files: interleave(files), concurrency: 3, timeout })
  .on('test:fail', () => (process.exitCode = 1))
  .compose(spec)
  .pipe(process.stdout);

/**
 * Suites of whole platforms are busy, most others wait: with both at any time the processors are in use, and not fought
 * for. The long ones begin a little earlier, so that none of them is alone at the end.
 */
function interleave(files) {
  const spread = (list, share) => list.map((file, index) => ({ file, at: (share * index) / list.length }));
  const busy = files.filter((file) => file.includes('e2e'));
  const others = files.filter((file) => !file.includes('e2e'));
  return [...spread(busy, 0.9), ...spread(others, 1)].sort((one, other) => one.at - other.at).map(({ file }) => file);
}

function chooseFiles() {
  return choosePatterns()
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((file) => chosen.length === 0 || chosen.some((word) => file.includes(word)))
    .sort()
    .map((file) => join(root, file));
}

function choosePatterns() {
  if (peers) return ['test/peers/**/*.test.ts'];
  if (chaos) return ['test/e2e/{kill,fault}*.test.ts'];
  return ['src/**/*.test.ts', 'test/*.test.ts', 'test/e2e/**/*.test.ts'];
}

function check() {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'check.mjs')], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

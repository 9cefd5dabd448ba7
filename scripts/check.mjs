// The whole gate: types, lint, format, unused code, folder borders. Runs every part and reports all that failed.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const parts = [
  ['types', 'tsc', ['-p', '.']],
  ['lint', 'oxlint', ['--type-aware', '--quiet']],
  ['format', 'biome', ['format', '.']],
  ['unused code', 'knip', []],
  ['folder borders', 'node', ['--test', '--test-reporter=dot', 'test/architecture.test.ts']],
];

const failed = [];
for (const [name, command, args] of parts) {
  const result = spawnSync(join(root, 'node_modules', '.bin', command), args, { cwd: root, encoding: 'utf8' });
  if (result.status === 0) continue;
  failed.push(name);
  console.error(`check: ${name} failed\n${result.stdout}${result.stderr}${result.error?.message ?? ''}`);
}
if (failed.length > 0) process.exit(1);
console.log(`check: ${parts.map(([name]) => name).join(', ')}: clean`);

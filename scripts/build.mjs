// What is published: `tsc` output of src/ in dist/, and the runtime that is not TypeScript.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
rmSync(join(root, 'dist'), { recursive: true, force: true });
const compiled = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
for (const name of ['rehearsal-handler.cjs', 'rehearsal-handler.mjs']) {
  const file = join('runtime', 'node', name);
  cpSync(join(root, 'src', file), join(root, 'dist', file));
}
cpSync(join(root, 'src', 'builder', 'entries'), join(root, 'dist', 'builder', 'entries'), { recursive: true });
cpSync(join(root, 'src', 'runtime', 'python'), join(root, 'dist', 'runtime', 'python'), {
  recursive: true,
  filter: (path) => !/__pycache__|\.test\./.test(path),
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';

const source = resolve(import.meta.dirname, '../..');

/** Everything a file loads before it does anything: its imports, and theirs; not what it asks for later. */
function loadedBy(entry: string, seen = new Map<string, readonly string[]>()): ReadonlyMap<string, readonly string[]> {
  if (seen.has(entry) || !existsSync(entry)) return seen;
  const text = readFileSync(entry, 'utf8');
  const all = [...text.matchAll(/^(?:import|export)\b(?! type)[^;]*?from '([^']+)';|^import '([^']+)';/gm)];
  const targets = all.map((match) => match[1] ?? match[2] ?? '');
  seen.set(entry, targets);
  for (const target of targets) if (target.startsWith('.')) loadedBy(join(dirname(entry), target), seen);
  return seen;
}

test('a platform that keeps its calls on its own disk loads nothing of NATS', () => {
  const loaded = loadedBy(join(source, 'cli/up-platform.ts'));
  assert.ok(loaded.size > 100, `the walk saw ${loaded.size} files`);
  const ofNats = [...loaded].filter(
    ([file, targets]) => /queue\/nats\//.test(file) || targets.some((name) => name.startsWith('@nats-io/')),
  );
  assert.deepEqual(
    ofNats.map(([file]) => file),
    [],
  );
  const queue = loadedBy(join(source, 'queue/nats/nats-queue.ts'));
  assert.ok([...queue.values()].flat().includes('@nats-io/transport-node'), 'the walk would have seen it');
});

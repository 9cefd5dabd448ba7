import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../src');

/** Who may import whom; the same table stands in docs/architecture.md. `engine:type` allows `engine/engine.ts` alone. */
const allowed: Record<string, readonly string[]> = {
  model: [],
  frame: [],
  observe: ['model'],
  config: ['model'],
  store: ['model', 'observe'],
  secrets: ['model', 'observe', 'store'],
  auth: ['model', 'observe', 'store'],
  identity: ['model', 'observe', 'store'],
  sandbox: ['model', 'observe'],
  engine: ['model', 'observe', 'sandbox', 'frame'],
  runtime: ['frame'],
  'runtime/watchdog': ['frame', 'model'],
  builder: ['model', 'observe', 'sandbox', 'store', 'identity'],
  router: ['model', 'observe', 'frame', 'engine:type'],
  scaler: ['model', 'observe', 'engine:type', 'router:type'],
  queue: ['model', 'observe', 'store'],
  events: ['model', 'observe', 'store', 'queue'],
  control: ['model', 'observe', 'store', 'builder:type', 'secrets', 'identity', 'engine:type', 'router:type'],
  api: ['model', 'observe', 'store', 'secrets', 'auth', 'builder', 'queue', 'events', 'engine:type'],
  gateway: ['model', 'observe', 'auth', 'api', 'queue'],
  client: ['model'],
  cli: ['model', 'client', 'config'],
  compose: [],
};

/** Parts of the composition root `main.ts`, which alone imports them, and `cli/up-platform.ts` the type of what they make. */
const composing = 'compose/';

/** Files that are composition roots and may import what they join. */
const roots = new Set([
  'main.ts',
  'cli/up-platform.ts',
  'run-function.ts',
  'cli/run.ts',
  'watchdog.ts',
  'cli/watchdog.ts',
]);

const typeOnly: Record<string, string> = {
  'engine:type': 'engine/engine.ts',
  'router:type': 'router/router.ts',
  'builder:type': 'builder/builder.ts',
};

function sources(): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g);
  return [...found].map((match) => relative(root, resolve(dirname(join(root, file)), match[1] ?? '')));
}

function isAllowed(from: string, target: string): boolean {
  const own = from.split('/')[0] ?? '';
  const other = target.split('/')[0] ?? '';
  if (own === other) return true;
  const list = allowed[from.split('/', 2).join('/')] ?? allowed[own] ?? [];
  return list.includes(other) || list.some((entry) => typeOnly[entry] === target);
}

test('every folder imports only what the table allows', () => {
  const broken = sources()
    .filter((file) => !roots.has(file) && !file.startsWith(composing) && !/(\.test|conformance)\.ts$/.test(file))
    .flatMap((file) =>
      importsOf(file)
        .filter((target) => !isAllowed(file, target))
        .map((target) => `${file} → ${target}`),
    );
  assert.deepEqual(broken, []);
});

/** What is loaded with a file: all it imports before it runs, and what that imports. */
function loadedWith(file: string, loaded = new Set<string>()): Set<string> {
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, target = ''] of text.matchAll(/^(?:import|export) (?!type )[^;]*?\bfrom '([^']+)';/gm)) {
    const path = target.startsWith('.') ? relative(root, resolve(dirname(join(root, file)), target)) : target;
    if (loaded.has(path)) continue;
    loaded.add(path);
    if (target.startsWith('.')) loadedWith(path, loaded);
  }
  return loaded;
}

test('the platform loads nothing of its clients, and no command what parses YAML before there is a file', () => {
  const platform = [...loadedWith('cli/up-start.ts'), ...loadedWith('cli/up-platform.ts')];
  assert.ok(platform.includes('main.ts'));
  assert.deepEqual(
    platform.filter((path) => path === 'yaml' || /^(client|cli\/stack)\//.test(path)),
    [],
  );
  for (const command of ['version', 'list', 'describe', 'invoke', 'logs', 'scale', 'remove', 'secret']) {
    const loaded = loadedWith(`cli/${command}.ts`);
    assert.ok(loaded.has('client/client.ts'));
    assert.equal(loaded.has('yaml'), false, command);
  }
});

test('node:http is loaded without what an import of it loads besides', () => {
  const importers = sources().filter(
    (file) =>
      !file.endsWith('.test.ts') &&
      /^import (?!type )[^;]*from 'node:http';/m.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(importers, []);
});

test('every folder of src has a row in the table', () => {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(
    folders.map((entry) => entry.name).filter((name) => !(name in allowed)),
    [],
  );
});

test('only config reads the environment', () => {
  const allowedReaders = /^(config\/|main\.ts|cli\/|runtime\/|engine\/process\/keeper\/|builder\/worker)/;
  const readers = sources().filter(
    (file) =>
      !file.endsWith('.test.ts') &&
      !allowedReaders.test(file) &&
      /process\.env/.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(readers, []);
});

test('no file is called utils, helpers, common or misc', () => {
  assert.deepEqual(
    sources().filter((file) => /(^|\/)(utils?|helpers?|common|misc)\.ts$/.test(file)),
    [],
  );
});

test('no code of ours throws a bare Error', () => {
  const thrown = sources().filter(
    (file) =>
      !/\.test\.ts$|conformance\.ts$|^runtime\/|^frame\//.test(file) &&
      /throw new Error\(/.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(thrown, []);
});

test('what a test needs is asked in one place, which lets nothing be skipped with CI=true', () => {
  const place = 'test/support/require.ts';
  const project = resolve(root, '..');
  const skipping = globSync('{src,test,sdk,ui,bench,scripts,examples,templates,store}/**/*.{ts,mjs}', {
    cwd: project,
    exclude: (name) => name.includes('node_modules'),
  }).filter(
    (file) =>
      file !== place &&
      /\.(skip|todo)\(|\b(skip|todo):\s|\b(skip|todo)\b[^'"]*\} from 'node:test'/.test(
        readFileSync(join(project, file), 'utf8'),
      ),
  );
  assert.deepEqual(skipping, []);
});

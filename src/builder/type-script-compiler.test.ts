import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startBuilder } from '../../test/support/builder.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { createTypeScriptCompiler } from './type-script-compiler.ts';
import type { CompileOrder } from './type-script-thread.ts';

const limits = { timeoutMs: 60_000, memoryBytes: 2 ** 29 };
const never = new AbortController().signal;
const nested = '('.repeat(20_000);

function source(t: TestContext, text: string): CompileOrder {
  const folder = tempDir(t);
  writeFileSync(join(folder, 'a.ts'), text);
  return { folder, paths: ['a.ts'] };
}

test('a build whose TypeScript is nested without end fails alone: those after it are built', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  await assert.rejects(kit.build({ 'handler.ts': nested }), {
    code: 'invalid',
    message: 'handler.ts: it is too large, or nested too deeply, to be read',
  });
  assert.ok((await kit.build({ 'handler.ts': 'export default (): string => "well";\n' })).artifact);
});

test('TypeScript is compiled in time of its length, whatever blanks are in it', { timeout: 30_000 }, async (t) => {
  const blank = ' '.repeat(300_000);
  const order = source(t, `// import${blank}x\nimport${blank}(${blank}x);\n`);
  const { files } = await createTypeScriptCompiler(limits).compile(order, never);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['a.mjs'],
  );
});

test('a compiler that takes too long or too much memory is ended, and the next source gets another thread', async (t) => {
  const good = source(t, 'export const a: number = 1;\n');
  const large = source(t, `export const a = [${'1,'.repeat(20_000_000)}];\n`);
  const late = createTypeScriptCompiler({ ...limits, timeoutMs: 1 });
  await assert.rejects(late.compile(good, never), { code: 'build-failed', message: /it took longer than 1 ms/ });
  await assert.rejects(late.compile(good, AbortSignal.abort()), { code: 'canceled' });
  const small = createTypeScriptCompiler({ ...limits, memoryBytes: 2 ** 24 });
  await assert.rejects(small.compile(large, never), { code: 'build-failed', message: /memory limit/ });
  assert.equal((await small.compile(good, never)).renamed.get('a.ts'), 'a.mjs');
});

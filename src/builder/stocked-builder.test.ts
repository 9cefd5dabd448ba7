import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startBuilder, type TestBuilder } from '../../test/support/builder.ts';
import type { Builder } from './builder.ts';
import { createStockedBuilder, readStock } from './stocked-builder.ts';

async function stock(t: TestContext, name: string): Promise<{ kit: TestBuilder; builder: Builder }> {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  const directory = kit.source({ [`a/${name}`]: 'module.exports = async () => 1;\n' });
  const images = { x86_64: 'shop/a:1', arm64: 'shop/a:1' };
  const file = join(directory, 'store.json');
  writeFileSync(file, JSON.stringify({ functions: [{ name: 'a', images, source: 'a', lang: 'node' }] }));
  return { kit, builder: createStockedBuilder(kit.builder, await readStock(file)) };
}

test('an image of the store is built when it is first asked for, and only once', async (t) => {
  const { kit, builder } = await stock(t, 'handler.js');
  assert.deepEqual(await builder.images(), []);
  const [first, second] = await Promise.all([builder.resolve('shop/a:1'), builder.resolve('shop/a:1')]);
  assert.equal(first?.manifest.handler, 'code/handler.js');
  assert.equal(first.digest, second?.digest);
  assert.deepEqual(
    (await builder.images()).map(({ image }) => image),
    ['shop/a:1'],
  );
  assert.equal((await kit.builder.resolve('shop/a:1'))?.digest, first.digest);
});

test('what was built under such a name before stays, and no other name is known', async (t) => {
  const { kit, builder } = await stock(t, 'handler.js');
  const { artifact } = await kit.build({ 'handler.py': 'def handle(req): return req' }, { image: 'shop/a:1' });
  assert.equal((await builder.resolve('shop/a:1'))?.digest, artifact.digest);
  assert.equal(await builder.resolve('shop/a:2'), undefined);
});

test('a source that cannot be built says so to whoever asks', async (t) => {
  const { builder } = await stock(t, 'notes.txt');
  await assert.rejects(builder.resolve('shop/a:1'), { code: 'invalid', message: /no handler found/ });
});

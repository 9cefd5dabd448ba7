import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ListenerTables, readListenerTables } from './listening-port.ts';
import { PortRegistry } from './port-registry.ts';

const own = { uid: undefined, pids: () => Promise.resolve([process.pid]) };

async function listen(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('a port is an instance’s while its own process listens, and nobody’s once the instance ended', async (t) => {
  const registry = new PortRegistry();
  const port = await listen(t);
  registry.add('mine', { port, ...own });
  registry.add('robbed', { port, uid: 299_902, pids: () => Promise.resolve([1]) });
  registry.add('deaf', { port: 1, ...own });
  assert.deepEqual(await Promise.all(['mine', 'robbed', 'deaf', 'unknown'].map((id) => registry.owns(id))), [
    true,
    false,
    false,
    false,
  ]);
  registry.remove('mine');
  assert.equal(await registry.owns('mine'), false);
});

test('who asks while a look is under way gets the next one, which all of these share', async (t) => {
  const port = await listen(t);
  const looks: PromiseWithResolvers<ListenerTables>[] = [];
  const registry = new PortRegistry(() => {
    const look = Promise.withResolvers<ListenerTables>();
    looks.push(look);
    return look.promise;
  });
  registry.add('mine', { port, ...own });
  const first = registry.owns('mine');
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(looks.length, 1);
  const later = [registry.owns('mine'), registry.owns('mine')];
  looks[0]?.resolve(['', '']);
  assert.equal(await first, false);
  assert.equal(looks.length, 2);
  looks[1]?.resolve(await readListenerTables());
  assert.deepEqual(await Promise.all(later), [true, true]);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type Edge, type RawClient, rawClient, startEdge } from '../../test/support/edge.ts';
import { startServer } from '../../test/support/http-instance.ts';
import { until } from '../../test/support/until.ts';

interface Asked {
  readonly client: RawClient;
  /** The function's end; it does not care who ends what. */
  readonly socket: Duplex;
  /** What came to the function. */
  readonly said: () => string;
}

/** An edge before a function that is slow to switch, and a client that asked it to. */
async function startAsking(t: TestContext): Promise<{ readonly edge: Edge; readonly ask: () => Promise<Asked> }> {
  const asked: Duplex[] = [];
  const sockets: Duplex[] = [];
  // First of all: the server waits for them when it closes.
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const { server, port } = await startServer(t, (_request, response) => response.end());
  server.on('upgrade', (_request, socket) => asked.push(socket));
  const edge = await startEdge(t, port, { limits: { stallTimeoutMs: 100 } });
  const ask = async (): Promise<Asked> => {
    const client = await rawClient(t, edge.port);
    client.write('GET /function/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const socket = await until('the function to be asked', () => asked.pop());
    sockets.push(socket);
    let said = '';
    socket.on('error', () => {}).on('data', (bytes: Buffer) => (said += bytes.toString()));
    return { client, socket, said: () => said };
  };
  return { edge, ask };
}

test('a client that leaves before the function has switched protocols gives its slot back', async (t) => {
  const { edge, ask } = await startAsking(t);
  for (const leave of ['destroy', 'end', 'resetAndDestroy'] as const) {
    const { client } = await ask();
    assert.equal(edge.inFlight(), 1);
    client.socket[leave]();
    await until(`the call to end after ${leave}`, () => edge.inFlight() === 0, 2_000);
  }
});

test('one that said all it has to say before the switch is heard, and holds no slot after it', async (t) => {
  const { edge, ask } = await startAsking(t);
  const { client, socket, said } = await ask();
  client.socket.end('early');
  await once(client.socket, 'finish');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await until('what was said to arrive', () => said() === 'early');
  await until('the call to end', () => edge.inFlight() === 0, 2_000);
});

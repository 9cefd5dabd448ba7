import assert from 'node:assert/strict';
import { once } from 'node:events';
import { linkSync, lchownSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { requirement, rootRequirement } from '../../test/support/require.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { connectSocket } from './connect-socket.ts';

const owner = process.geteuid?.() ?? 0;

/** A server that says its name to whoever connects; resolves with its path. */
async function speaker(t: TestContext, name: string): Promise<string> {
  const socketPath = join(tempDir(t), 's');
  const server = createServer((socket) => void socket.end(name)).listen(socketPath);
  t.after(() => server.close());
  await once(server, 'listening');
  return socketPath;
}

async function heard(socketPath: string, user = owner): Promise<string> {
  const socket = connectSocket({ socketPath, owner: user });
  let text = '';
  socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await once(socket, 'close');
  return text;
}

test('a socket of the right user is connected to, and nothing is held open for it', async (t) => {
  const own = await speaker(t, 'own');
  assert.equal(await heard(own), 'own');
  const before = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
  for (let count = 0; count < 20; count += 1) assert.equal(await heard(own), 'own');
  if (process.platform === 'linux') assert.ok(readdirSync('/proc/self/fd').length <= before);
});

test('a link to the socket of another function is never followed', async (t) => {
  const [own, other] = [await speaker(t, 'own'), await speaker(t, 'other')];
  rmSync(own);
  symlinkSync(other, own);
  await assert.rejects(heard(own), { name: 'FrameViolation', rule: 'socket', message: /something else/ });
  rmSync(own);
  writeFileSync(own, '');
  await assert.rejects(heard(own), { name: 'FrameViolation', rule: 'socket' });
  rmSync(own);
  await assert.rejects(heard(own), { code: 'ENOENT' });
});

test('a socket of another user is refused, by whatever name it got there', async (t) => {
  const own = await speaker(t, 'own');
  await assert.rejects(heard(own, owner + 1), { name: 'FrameViolation', message: /a socket of user \d+ stands/ });
  if (!rootRequirement(t)) return;
  const other = await speaker(t, 'other');
  lchownSync(other, 12_345, 12_345);
  rmSync(own);
  linkSync(other, own);
  await assert.rejects(heard(own), { name: 'FrameViolation', message: /user 12345/ });
});

test('what was looked at is what is connected to, also when its name changes in between', async (t) => {
  if (!requirement(t, process.platform === 'linux', 'needs /proc/self/fd')) return;
  const [own, other] = [await speaker(t, 'own'), await speaker(t, 'other')];
  const socket = connectSocket({ socketPath: own, owner });
  renameSync(other, own);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  assert.equal(bytes.toString(), 'own');
});

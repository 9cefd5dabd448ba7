import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { PortChooser } from './port-chooser.ts';

test('programs that start at the same time get different ports, none of them one of outgoing connections', async () => {
  const ports = new PortChooser();
  const chosen = await Promise.all(Array.from({ length: 100 }, () => ports.choose()));
  assert.equal(new Set(chosen).size, 100);
  const [lowest = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number);
  if (lowest > 21_000) assert.ok(chosen.every((port) => port < lowest));
});

test('a port somebody listens on is passed over, and no port at all is said so', async (t) => {
  const first = await new PortChooser().choose();
  const holder = createServer().listen(first, '127.0.0.1');
  t.after(() => holder.close());
  await once(holder, 'listening');
  const two = new PortChooser({ first, last: first + 1 });
  assert.deepEqual([await two.choose(), await two.choose()], [first + 1, first + 1]);
  await assert.rejects(new PortChooser({ first, last: first }).choose(), { code: 'unavailable' });
});

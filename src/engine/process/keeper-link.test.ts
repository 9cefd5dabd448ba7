import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { readJsonLines } from './keeper/json-lines.ts';
import { type KeeperRequest, keeperFiles, keeperVersion } from './keeper/protocol.ts';
import { KeeperLink } from './keeper-link.ts';

test('a program that ends in the very moment a keeper is found has ended for the platform, too', async (t) => {
  const directory = tempDir(t);
  const cage = { id: 'c', cgroups: [], version: 'none' } as const;
  const outcome = { ok: false, timedOut: false, canceled: false, oomKilled: false, exitCode: 1, signal: null };
  const end = { event: 'exited', id: 'p1', ending: { outcome: { ...outcome, durationMs: 5 }, lastLines: [] } };
  const results: Partial<Record<KeeperRequest['op'], unknown>> = {
    hello: { version: keeperVersion, bootId: 'boot', pid: 1 },
    list: [{ id: 'p1', pid: 1, cage, listening: true }],
  };
  const keeper = createServer((socket) => {
    readJsonLines(socket, (message) => {
      const { seq, op } = message as KeeperRequest & { readonly seq: number };
      const lines = [{ seq, result: results[op] ?? null }, ...(op === 'list' ? [end] : [])];
      // In one chunk, as they come when both happen within one turn.
      socket.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      if (op === 'shutdown') socket.end();
    });
  });
  keeper.listen(join(directory, keeperFiles.socket));
  await once(keeper, 'listening');
  t.after(() => keeper.close());
  const places = { folders: [], cages: { cgroups: [], version: 'none' } } as const;
  const config = { directory, orphanMs: 1_000, logFileBytes: 1e6, logBytesPerSecond: 1e6, places };
  const link = new KeeperLink({ ...config, node: process.execPath, main: '/nowhere.js' });
  t.after(() => link.close());
  const [report] = await link.start();
  assert.equal(report?.id, 'p1');
  assert.equal(link.program('p1'), undefined, 'it is not held as one that runs');
});

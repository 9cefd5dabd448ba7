import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import handler from './handler.mjs';

test('tells the host in lines, the first being its name', async () => {
  const text = await handler.fetch(new Request('http://nodeinfo/')).text();
  assert.ok(text.startsWith(`Hostname: ${hostname()}\n\nPlatform: `));
  assert.match(text, /\nCPU count: [1-9]\d*\nUptime: \d+\n/);
});

test('tells the same as JSON when asked', async () => {
  const answer = handler.fetch(new Request('http://nodeinfo/', { headers: { accept: 'application/json' } }));
  const facts = await answer.json();
  assert.deepEqual([facts.arch, facts.node], [process.arch, process.version]);
});

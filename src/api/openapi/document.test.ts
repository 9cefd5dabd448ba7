import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiParts } from '../api-parts.ts';
import { addAllRoutes } from '../http/all-routes.ts';
import { createServer } from '../http/create-server.ts';
import { createDocument } from './document.ts';
import { operations } from './operations.ts';

test('the document has every route of the control plane, and none that is not there', async () => {
  const app = createServer(1024);
  const routes = new Set<string>();
  app.addHook('onRoute', ({ method, url, handler }) => {
    for (const each of [method].flat()) if (!handler.name.includes('refuse')) routes.add(`${each} ${url}`);
  });
  // No handler runs, so nothing of the parts is used.
  addAllRoutes(app, { version: { release: '1', sha: '1', commitMessage: '' } } as unknown as ApiParts);
  await app.ready();
  const served = [...routes].filter((route) => !/^(HEAD|OPTIONS|PATCH) /.test(route)).sort();
  const told = operations
    .filter(({ path }) => !/^\/(async-)?function\//.test(path))
    .map(({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
    .sort();
  assert.deepEqual(told, served);
});

test('operation ids are unique, and what is open needs no password', () => {
  const { paths } = createDocument('1') as unknown as {
    paths: Record<string, Record<string, { operationId: string; security?: unknown[] }>>;
  };
  const all = Object.values(paths).flatMap((methods) => Object.values(methods));
  assert.equal(all.length, operations.length);
  assert.equal(new Set(all.map(({ operationId }) => operationId)).size, all.length);
  assert.deepEqual(paths['/healthz']?.['get']?.security, []);
  assert.equal(paths['/system/functions']?.['get']?.security, undefined);
});

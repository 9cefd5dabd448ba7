import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differs } from '../../test/support/covers.ts';
import { exchange, startEdge } from '../../test/support/edge.ts';
import { startServer } from '../../test/support/http-instance.ts';
import { publicPaths, signedPaths } from './control-guard.ts';

const authorization = `Authorization: Basic ${Buffer.from('admin:secret').toString('base64')}`;

async function ask(
  t: import('node:test').TestContext,
  port: number,
  line: string,
  ...headers: string[]
): Promise<string> {
  return exchange(t, port, [`${line} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n'));
}

test('only the public list is served without credentials, and only by GET and HEAD', async (t) => {
  const { port } = await startServer(t, (_request, response) => void response.end());
  const edge = await startEdge(t, port);
  assert.deepEqual(publicPaths, ['/healthz', '/', '/store.json', '/publickey', '/openapi.json']);
  for (const line of ['GET /healthz', 'HEAD /healthz', 'GET /healthz?x=1', 'GET /', 'GET http://x/healthz']) {
    assert.match(await ask(t, edge.port, line), /^HTTP\/1\.1 200 /, line);
  }
  for (const line of ['POST /healthz', 'DELETE /', 'OPTIONS /healthz', 'OPTIONS *']) {
    assert.match(await ask(t, edge.port, line), /^HTTP\/1\.1 401 /, line);
  }
});

test('a signature stands in for the credentials where builds are asked for, and nowhere else', async (t) => {
  const { port } = await startServer(t, (_request, response) => void response.end());
  const edge = await startEdge(t, port);
  const signature = `X-Build-Signature: sha256=${'0'.repeat(64)}`;
  assert.deepEqual(signedPaths, ['/build']);
  for (const line of ['POST /build', 'POST /build?x=1']) {
    assert.match(await ask(t, edge.port, line, signature), /^HTTP\/1\.1 200 [^]*control POST \/build/, line);
    assert.match(await ask(t, edge.port, line), /^HTTP\/1\.1 401 /, line);
  }
  for (const line of [
    'GET /build',
    'PUT /build',
    'POST /build/',
    'POST //build',
    'POST /build/../system/functions',
    'POST /build%2f..%2fsystem/functions',
    'POST /system/functions',
    'DELETE /system/functions',
    'POST /publickey',
  ]) {
    assert.match(await ask(t, edge.port, line, signature), /^HTTP\/1\.1 401 /, line);
  }
});

test('no way of writing a path gets past the credentials', async (t) => {
  const { port } = await startServer(t, (_request, response) => void response.end());
  const edge = await startEdge(t, port);
  for (const path of [
    '/system/functions',
    '//system/functions',
    '/system//functions',
    '/./system/functions',
    '/healthz/../system/functions',
    '/healthz/',
    '/healthz/system/functions',
    '/healthz;/../system/functions',
    '/healthz%2f..%2fsystem/functions',
    '/healthz%3f/../system/functions',
    '/healthz#/../system/functions',
    '/%68ealthz',
    '/HEALTHZ',
    '/Healthz',
    '/\\system/functions',
    '/function',
    '/function%2fecho',
    '/Function/echo',
    '//function/echo',
    '/./function/echo',
    '/ui',
    '/ui/',
    '/metrics',
    '/favicon.ico',
    'http://x/system/functions',
    'HTTP://x//system/functions',
    'http://x',
    'http://x?/healthz',
    'http://healthz/system/functions',
    '/?/../system/functions'.replace('/?', '//?'),
  ]) {
    for (const method of ['GET', 'POST', 'HEAD']) {
      const answer = await ask(t, edge.port, `${method} ${path}`);
      assert.match(answer, /^HTTP\/1\.1 (401|400) /, `${method} ${path}`);
      assert.doesNotMatch(answer, /control /);
    }
  }
});

test('paths of the data plane never reach the control plane, however their rest is dotted', async (t) => {
  const { port } = await startServer(t, (request, response) => void response.end(`function ${request.url}`));
  const edge = await startEdge(t, port);
  for (const rest of ['/../../system/functions', '/%2e%2e/system/functions', '//system/functions', '/..;/system']) {
    assert.match(
      await ask(t, edge.port, `GET /function/echo${rest}`),
      new RegExp(`function ${rest.replaceAll('.', '\\.')}`),
    );
  }
  for (const path of ['/function/../system/functions', '/function//system/functions', '/function/%2e%2e/system']) {
    assert.match(await ask(t, edge.port, `GET ${path}`), /^HTTP\/1\.1 404 /);
    assert.match(await ask(t, edge.port, `GET ${path}`, authorization), /^HTTP\/1\.1 404 /);
  }
});

test('a wrong password is refused as OpenFaaS does, the right one passes', async (t) => {
  const { port } = await startServer(t, (_request, response) => void response.end());
  const edge = await startEdge(t, port);
  const wrong = await ask(t, edge.port, 'GET /system/functions', 'Authorization: Basic eDp5');
  assert.match(
    wrong,
    /^HTTP\/1\.1 401 [^]*WWW-Authenticate: Basic realm="Restricted"\r\n[^]*\r\n\r\ninvalid credentials$/,
  );
  const right = await ask(t, edge.port, 'GET /system/functions?namespace=x', authorization);
  assert.match(right, /control GET \/system\/functions\?namespace=x$/);
  const twice = await ask(t, edge.port, 'GET /system/functions', 'Authorization: Basic eDp5', authorization);
  assert.match(twice, /^HTTP\/1\.1 401 /);
});

test('a page of another site cannot use the credentials a browser keeps', async (t) => {
  const { port } = await startServer(t, (_request, response) => void response.end());
  const edge = await startEdge(t, port, { gateway: { trustedOrigins: ['http://127.0.0.1:8083'] } });
  for (const header of ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: same-origin', 'Origin: https://evil.example']) {
    assert.match(
      await ask(t, edge.port, 'DELETE /system/functions', authorization, header),
      /^HTTP\/1\.1 403 /,
      header,
    );
  }
  const portal = ['Origin: http://127.0.0.1:8083', 'Sec-Fetch-Site: same-site'];
  assert.match(await ask(t, edge.port, 'DELETE /system/functions', authorization, ...portal), /^HTTP\/1\.1 200 /);
});

test('a browser that opens the address is sent on to the portal, and nothing else is', async (t) => {
  differs('endpoint', 'GET /', 'it leads to the portal, which has an address of its own');
  differs('endpoint', 'GET /ui/', 'the portal has an address of its own, so that pages of functions cannot use it');
  const { port } = await startServer(t, (_request, response) => void response.end());
  const edge = await startEdge(t, port, { gateway: { portalUrl: 'http://127.0.0.1:8083' } });
  for (const path of ['/', '/ui', '/ui/']) {
    const answer = await ask(t, edge.port, `GET ${path}`);
    assert.match(answer, /^HTTP\/1\.1 307 /, path);
    assert.match(answer, /\r\nLocation: http:\/\/127\.0\.0\.1:8083\r\n/);
  }
  assert.match(await ask(t, edge.port, 'GET /ui/x'), /^HTTP\/1\.1 401 /);
  assert.match(await ask(t, edge.port, 'POST /ui/'), /^HTTP\/1\.1 401 /);
});

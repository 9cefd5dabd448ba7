import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import handler from './handler.mjs';
import { createGuard, isPublic, Refusal } from './guard.mjs';

const call = (body, t, env) => {
  for (const name of ['answer', 'allowed_hosts', 'allow_private']) delete process.env[name];
  Object.assign(process.env, env);
  return handler.fetch(new Request('http://fetch/', { method: 'POST', body }));
};

async function startServer(t, answer) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => (server.closeAllConnections(), server.close()));
  const host = `127.0.0.1:${server.address().port}`;
  return { url: `http://${host}/page`, here: { allowed_hosts: host, allow_private: 'true' } };
}

test('passes on status, body and type of a host that is allowed, and nothing that could run here', async (t) => {
  const { url, here } = await startServer(t, async (request, response) => {
    response.writeHead(203, { 'content-type': 'text/html', 'set-cookie': 'a=b' });
    response.end(`${request.method} ${request.headers['x-a']} ${(await request.toArray()).join('')}`);
  });
  const order = { url, method: 'PUT', headers: { 'x-a': '1', Host: 'other.example' }, body: 'hello' };
  const answer = await call(JSON.stringify(order), t, here);
  assert.equal(await answer.text(), 'PUT 1 hello');
  assert.equal(answer.status, 203);
  const kept = {
    'content-security-policy': 'sandbox',
    'content-type': 'text/html',
    'x-content-type-options': 'nosniff',
  };
  assert.deepEqual(Object.fromEntries(answer.headers), kept);
});

test('does not follow where it is sent on to', async (t) => {
  let calls = 0;
  const { url, here } = await startServer(t, (_request, response) => {
    calls += 1;
    response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
  });
  assert.equal((await call(url, t, here)).status, 302);
  assert.equal(calls, 1);
});

test('reports on every URL, and why one does not answer', async (t) => {
  const { url, here } = await startServer(t, (_request, response) => response.end('hello'));
  const answer = await call(`${url}\nhttp://10.0.0.1/\n`, t, { ...here, answer: 'report' });
  const [good, bad] = await answer.json();
  assert.deepEqual({ ...good, ms: 0 }, { url, ok: true, status: 200, ms: 0, bytes: 5, address: '127.0.0.1' });
  assert.equal(bad.ok, false);
  assert.match(bad.error, /allowed_hosts/);
});

test('gives up on an answer that is too long, and on none at all', async (t) => {
  const { url, here } = await startServer(t, (_request, response) => {
    response.on('error', () => undefined);
    const more = () => void (response.destroyed || (response.write('x'.repeat(65_536)), setImmediate(more)));
    more();
  });
  const long = await call(url, t, here);
  assert.deepEqual([long.status, /more than 5242880 bytes/.test(await long.text())], [502, true]);
  const none = await call('http://127.0.0.1:1/', t, { allowed_hosts: '127.0.0.1:1', allow_private: 'true' });
  assert.deepEqual([none.status, /ECONNREFUSED/.test(await none.text())], [502, true]);
});

test('says what it cannot make sense of', async (t) => {
  const { here } = await startServer(t, (_request, response) => response.end());
  const url = 'http://example.org/';
  const wrong = [
    '',
    'x',
    'ftp://example.org/',
    '{',
    '{}',
    { url: 1 },
    { url, headers: { a: 1 } },
    { url, headers: { 'a b': 'c' } },
  ];
  for (const body of [...wrong, { url, headers: { a: 'b\r\nc: d' } }, { url, method: null }, { url, body: {} }]) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    assert.equal((await call(text, t, here)).status, 400, text);
  }
  assert.equal((await call('\n', t, { ...here, answer: 'report' })).status, 400);
});

test('reaches nothing unless it is told what', async (t) => {
  const { url } = await startServer(t, (_request, response) => response.end('secret'));
  assert.equal((await call(url, t, {})).status, 403);
  assert.equal((await call(url, t, { allowed_hosts: '*' })).status, 403);
  assert.equal((await call(url, t, { allowed_hosts: new URL(url).host })).status, 403);
});

test('names that lead to this machine stay closed although their host is allowed', async (t) => {
  const { url } = await startServer(t, (_request, response) => response.end('secret'));
  const named = url.replace('127.0.0.1', 'localhost');
  const answer = await call(named, t, { allowed_hosts: new URL(named).host });
  assert.deepEqual([answer.status, /no public address/.test(await answer.text())], [403, true]);
});

test('every spelling of an address that is not public is seen through', () => {
  const guard = createGuard({ allowed_hosts: '*' });
  const spellings =
    '127.1 0x7f.1 2130706433 0177.0.0.1 10.1.2.3 169.254.169.254 172.31.0.1 192.168.1.1 100.64.0.1 0 224.0.0.1 ' +
    '[::1] [::] [::ffff:127.0.0.1] [::ffff:a00:1] [fe80::1] [fc00::1] [64:ff9b::7f00:1] [2002:7f00:1::] [::127.0.0.1]';
  for (const host of spellings.split(' ')) assert.throws(() => guard.check(`http://${host}/`), Refusal, host);
  for (const url of [
    'file:///etc/passwd',
    'gopher://example.org',
    'http://a:b@example.org/',
    'http://example.org:22/',
    'x',
  ]) {
    assert.throws(() => guard.check(url), Refusal, url);
  }
  assert.equal(guard.check('https://example.org/a').host, 'example.org');
  for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '2a00:1450::1'])
    assert.ok(isPublic(address), address);
});

test('hosts are allowed by name, by port and by what they end with', () => {
  const guard = createGuard({ allowed_hosts: 'example.org, api.example.net:8443, *.example.com' });
  for (const url of [
    'https://EXAMPLE.org/',
    'http://example.org',
    'https://api.example.net:8443/',
    'https://a.b.example.com/',
  ])
    guard.check(url);
  for (const url of [
    'https://example.org:8443/',
    'https://api.example.net/',
    'https://example.com/',
    'https://badexample.com/',
    'https://example.org.evil.net/',
  ]) {
    assert.throws(() => guard.check(url), Refusal, url);
  }
});

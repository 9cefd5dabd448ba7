import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { createClient, type Client } from './client.ts';

async function clientOf(t: TestContext, listener: RequestListener, signal?: AbortSignal): Promise<Client> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const gateway = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return createClient({
    gateway,
    credentials: { user: 'u', password: 'p' },
    ...(signal === undefined ? {} : { signal }),
  });
}

test('nothing that listens is unavailable, with what to do about it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const result = await createClient({ gateway: `http://127.0.0.1:${port}` }).functions.list();
  assert.ok(!result.ok);
  assert.equal(result.error.code, 'unavailable');
  assert.equal(
    result.error.hint,
    'is the platform running? start it with: tinderbox up; where it listens elsewhere, give --gateway or OPENFAAS_URL',
  );
});

test('a plain answer outside 2xx is the error of its status, with its text', async (t) => {
  const answers = {
    400: 'invalid',
    401: 'unauthenticated',
    404: 'not-found',
    409: 'conflict',
    418: 'internal',
    503: 'unavailable',
  };
  for (const [status, code] of Object.entries(answers)) {
    const client = await clientOf(t, (_, response) => response.writeHead(Number(status)).end('because\n'));
    const result = await client.functions.get('a');
    assert.ok(!result.ok);
    assert.deepEqual([result.error.code, result.error.message], [code, 'because']);
  }
});

test('problem+json gives its own code, detail and hint', async (t) => {
  const problem = { code: 'build-failed', title: 'Build failed', detail: 'no handler', hint: 'add one' };
  const client = await clientOf(t, (_, response) => {
    response.writeHead(422, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
  });
  const result = await client.images.list();
  assert.ok(!result.ok);
  const { code, message, hint } = result.error;
  assert.deepEqual({ code, message, hint }, { code: 'build-failed', message: 'no handler', hint: 'add one' });
});

test('a wrong password is told with the way to log in', async (t) => {
  const client = await clientOf(t, (_, response) => response.writeHead(401).end('invalid credentials'));
  const result = await client.secrets.list();
  assert.ok(!result.ok);
  assert.equal(result.error.hint, `log in first: tinderbox login --gateway ${client.gateway}`);
});

test('credentials go to the API and never to functions', async (t) => {
  const seen: (string | undefined)[] = [];
  const client = await clientOf(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end('[]');
  });
  await client.functions.list();
  await client.invoke.call({
    name: 'a',
    namespace: 'b',
    method: 'POST',
    target: '',
    headers: {},
    body: Buffer.from('x'),
  });
  await client.health.check();
  assert.deepEqual(seen, ['Basic dTpw', undefined, undefined]);
});

test('deploy updates first and creates what was not there', async (t) => {
  const methods: string[] = [];
  const client = await clientOf(t, (request, response) => {
    methods.push(request.method ?? '');
    response.writeHead(request.method === 'PUT' ? 404 : 202).end();
  });
  assert.deepEqual(await client.functions.deploy({ service: 'a', image: 'a:1' }), {
    ok: true,
    data: { created: true },
  });
  assert.deepEqual(methods, ['PUT', 'POST']);
});

test('a secret that is no text arrives as bytes', async (t) => {
  const bodies: string[] = [];
  const client = await clientOf(t, (request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
    request.on('end', () => response.writeHead(202).end());
  });
  await client.secrets.create({ name: 'a' }, Buffer.from([0xff, 0]));
  await client.secrets.create({ name: 'b' }, Buffer.from('ü'));
  assert.deepEqual(
    bodies.map((body) => JSON.parse(body) as unknown),
    [
      { name: 'a', rawValue: '/wA=' },
      { name: 'b', value: 'ü' },
    ],
  );
});

test('a redirect of a function is its answer and is not followed', async (t) => {
  const client = await clientOf(t, (_, response) => response.writeHead(302, { location: '/elsewhere' }).end('moved'));
  const result = await client.invoke.call({ name: 'a', namespace: 'b', method: 'GET', target: '/x?y=1', headers: {} });
  assert.ok(result.ok);
  assert.deepEqual([result.data.status, await result.data.text()], [302, 'moved']);
});

test('log lines arrive one by one, in pieces of any size', async (t) => {
  const client = await clientOf(t, (request, response) => {
    assert.equal(request.url, '/system/logs?name=a&tail=2&follow=true');
    const text = Buffer.from('{"text":"ä"}\n\n{"text":"b"}');
    for (const byte of text) response.write(Buffer.of(byte));
    response.end();
  });
  const lines = await client.logs.read({ name: 'a', tail: 2, follow: true });
  assert.ok(lines.ok);
  assert.deepEqual(
    (await Array.fromAsync(lines.data)).map((line) => line.text),
    ['ä', 'b'],
  );
});

test('a log that breaks off is lost, and one that is no log a bad reply', async (t) => {
  const cut = await clientOf(t, (_, response) => {
    response.write('{"text":"a"}\n', () => response.destroy());
  });
  const broken = await cut.logs.read({ name: 'a', follow: true });
  if (broken.ok) await assert.rejects(Array.fromAsync(broken.data), { code: 'lost' });
  else assert.equal(broken.error.code, 'lost');
  const strange = await clientOf(t, (_, response) => response.end('<html>'));
  const page = await strange.logs.read({ name: 'a', follow: false });
  assert.ok(page.ok);
  await assert.rejects(Array.fromAsync(page.data), { code: 'bad-reply' });
  const list = await strange.functions.list();
  assert.ok(!list.ok);
  assert.equal(list.error.code, 'bad-reply');
});

test('an answer of another shape is a bad reply, and null the empty list of a gateway in Go', async (t) => {
  const answer = { body: '' };
  const client = await clientOf(t, (_, response) => response.end(answer.body));
  for (const body of ['5', '{}', '"x"', '[null]', '[5]', '[{"name":1}]', '']) {
    answer.body = body;
    const lists = [client.functions.list(), client.secrets.list(), client.namespaces.list(), client.images.list()];
    const more = [client.instances.list({}), client.invocations.list({}), client.revisions.list('a')];
    const triggers = [client.triggers.list({ namespace: 'a' })];
    for (const result of await Promise.all([
      ...lists,
      ...more,
      ...triggers,
      client.functions.get('a'),
      client.info.get(),
    ])) {
      assert.equal(result.ok ? result.data : result.error.code, 'bad-reply', body);
    }
  }
  answer.body = 'null';
  assert.deepEqual(await client.secrets.list(), { ok: true, data: [] });
  const info = await client.info.get();
  assert.equal(info.ok ? '' : info.error.code, 'bad-reply');
  const lines = await client.logs.read({ name: 'a', follow: false });
  assert.ok(lines.ok);
  await assert.rejects(Array.fromAsync(lines.data), { code: 'bad-reply' });
});

test('an answer that never ends is given up, a reason cut, and a redirect told with where it leads', async (t) => {
  const client = await clientOf(t, (request, response) => {
    const block = Buffer.alloc(2 ** 20, ' ');
    response.writeHead(request.url?.startsWith('/system/functions') === true ? 200 : 500);
    const write = (): void => void response.write(block, (failed) => (failed ? undefined : write()));
    response.write('['.padEnd(100_000, 'x'), write);
  });
  const endless = await client.functions.list();
  assert.ok(!endless.ok);
  assert.deepEqual([endless.error.code, /more than 67108864 bytes/.test(endless.error.message)], ['bad-reply', true]);
  const reason = await client.functions.get('a');
  assert.ok(!reason.ok);
  assert.equal(reason.error.message.length, 65_536);
  const moved = await clientOf(t, (_, response) => response.writeHead(302, { location: 'https://b.example/' }).end());
  const redirected = await moved.functions.list();
  assert.ok(!redirected.ok);
  assert.match(redirected.error.message, /302, which leads to https:\/\/b\.example\/ and is not followed/);
});

test('a build hands on its log and ends with image, reason, or as lost', async (t) => {
  const answers: [string, unknown][] = [
    ['{"log":["a","b\\n"],"status":"in_progress"}\n{"log":null,"status":"success","image":"x:1"}\n', { image: 'x:1' }],
    ['{"log":["a","b"],"status":"failed","error":"no"}\n', 'build-failed'],
    ['{"log":["a","b"],"status":"in_progress"}\n', 'lost'],
  ];
  for (const [text, expected] of answers) {
    const client = await clientOf(t, (request, response) => {
      request.resume().on('end', () => response.end(text));
    });
    const lines: string[] = [];
    const result = await client.build.run(Readable.from([Buffer.from('tar')]), (line) => lines.push(line));
    assert.deepEqual(result.ok ? result.data : result.error.code, expected);
    assert.deepEqual(lines, ['a', 'b']);
  }
});

test('a build answered with what is no event is a bad reply', async (t) => {
  const client = await clientOf(t, (request, response) => {
    request.resume().on('end', () => response.end('null\n'));
  });
  const result = await client.build.run(Readable.from([Buffer.from('tar')]), assert.fail);
  assert.equal(result.ok ? '' : result.error.code, 'bad-reply');
});

test('a source that breaks while it is sent is told by its own reason', async (t) => {
  const client = await clientOf(t, (request) => void request.resume());
  const tar = new Readable({ read() {} });
  tar.push('x');
  setImmediate(() => tar.destroy(new Error('file vanished')));
  const result = await client.build.run(tar, () => {});
  assert.ok(!result.ok);
  assert.match(result.error.message, /file vanished/);
});

test('an abort cancels what is under way', async (t) => {
  const stop = new AbortController();
  const client = await clientOf(t, () => stop.abort(), stop.signal);
  const result = await client.functions.list();
  assert.ok(!result.ok);
  assert.equal(result.error.code, 'canceled');
});

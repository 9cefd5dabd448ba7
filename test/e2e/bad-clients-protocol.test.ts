import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, suite, test } from 'node:test';
import { WebSocket } from 'ws';
import { assertNothingNoticed, deployBystander } from '../support/bystander.ts';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { exchangeBytes, openConnection } from '../support/raw-connection.ts';
import { until } from '../support/until.ts';

const server = readFileSync(join(import.meta.dirname, '../fixtures/clients/server.mjs'), 'utf8');
const host = 'HTTP/1.1\r\nHost: x\r\n';
const last = 'HTTP/1.1\r\nHost: x\r\nConnection: close\r\n';

suite('clients that speak HTTP in their own way', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform(['--limits-headers', '128Ki', '--limits-stall-timeout', '1s']);
    await deployBystander(platform);
    const process = { lang: 'exec', mode: 'http', process: 'node server.mjs' };
    await deployFiles(platform, 'server', { 'server.mjs': server }, process);
    const frames = 'module.exports = async (event) => JSON.stringify(event);\n';
    await deployFiles(platform, 'frames', { 'handler.js': frames });
  });
  after(() => platform.dispose());
  afterEach(() => assertNothingNoticed(platform));

  async function counts(): Promise<{ requests: number; closed: number }> {
    return (await (await fetch(`${platform.url}/function/server/counts`)).json()) as {
      requests: number;
      closed: number;
    };
  }

  /** One request by node:http, which does what fetch does not. */
  async function ask(
    path: string,
    options: RequestOptions,
    send: (request: ReturnType<typeof httpRequest>) => void = (request) => request.end(),
  ): Promise<IncomingMessage> {
    const request = httpRequest(platform.url + path, options);
    send(request);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  }

  test('requests that could be read in two ways are refused with 400, and no function hears of them', async () => {
    const before = await counts();
    for (const name of ['server', 'frames']) {
      const post = `POST /function/${name}/seen ${host}`;
      for (const request of [
        `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /function/server/smuggled ${host}\r\n`,
        `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
        `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
        `${post}Content-Length: 0x3\r\n\r\nabc`,
        `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
        `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
        `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
        `${post}X: a\r\n folded\r\n\r\n`,
        `${post}X: a\0b\r\n\r\n`,
        `${post}X: a\rb\r\n\r\n`,
        `GET /function/${name}/seen HTTP/1.1\nHost: x\n\n`,
        `GET /function/${name}/seen HTTP/1.1\r\n\r\n`,
        `GET /function/${name}/se en HTTP/1.1\r\nHost: x\r\n\r\n`,
      ]) {
        const answer = await exchangeBytes(platform, request);
        assert.match(answer, /^HTTP\/1\.1 400 /, `${JSON.stringify(request)}: ${answer.slice(0, 300)}`);
        assert.equal(answer.match(/HTTP\/1\.1 \d/g)?.length, 1, answer);
      }
    }
    for (const bytes of ['\x16\x03\x01\x02\0\x01', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'SSH-2.0-x\r\n', '\0\0\0\0\n']) {
      assert.match(await exchangeBytes(platform, bytes), /^HTTP\/1\.1 (400|505) /, JSON.stringify(bytes));
    }
    assert.equal((await counts()).requests, before.requests);
  });

  test('chunks that are malformed end the request, and never look whole to a function', async () => {
    for (const name of ['server', 'frames']) {
      for (const chunks of ['ZZ\r\nab\r\n', '2\r\nabXX0\r\n\r\n', '-1\r\n', 'ffffffffffffffffff\r\n', '2\nab\n0\n\n']) {
        const head = `POST /function/${name}/upload ${host}Transfer-Encoding: chunked\r\n\r\n`;
        const answer = await exchangeBytes(platform, head + chunks);
        assert.match(answer, /^HTTP\/1\.1 400 /, `${JSON.stringify(chunks)}: ${answer}`);
      }
    }
  });

  test('odd targets lead to the function they name, unchanged, or nowhere', async () => {
    const cases: readonly (readonly [target: string, status: number, url?: string])[] = [
      ['http://elsewhere.example/function/server/seen?x', 200, '/seen?x'],
      ['HTTPS://elsewhere.example/function/server/seen', 200, '/seen'],
      ['/function/server', 200, '/'],
      ['/function/server?q=%00', 200, '/?q=%00'],
      ['/function/server//a/../b', 200, '//a/../b'],
      ['/function/server/%ff%fe%2e%2e%2f', 200, '/%ff%fe%2e%2e%2f'],
      ['/function/server.openfaas-fn/a', 200, '/a'],
      ['/function/server.elsewhere/a', 404],
      ['/function/', 404],
      ['/function//server', 404],
      ['/function/SERVER', 404],
      ['/function/ser%76er', 404],
      ['/function/..', 404],
      [`/function/${'x'.repeat(5000)}`, 404],
      ['/function/constructor', 404],
      ['/function/__proto__', 404],
      ['*', 401],
      ['server', 400],
    ];
    for (const [target, status, url] of cases) {
      const answer = await exchangeBytes(platform, `GET ${target} ${last}\r\n`);
      assert.equal(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), status, `${target}: ${answer.slice(0, 400)}`);
      if (url !== undefined) assert.ok(answer.includes(`"url":${JSON.stringify(url)}`), `${target}: ${answer}`);
    }
    const refused = await exchangeBytes(platform, `CONNECT x:443 ${host}\r\n`);
    assert.match(refused, /^HTTP\/1\.1 501 Not Implemented\r\n[^]*\r\nConnection: close\r\n\r\nCONNECT is for proxies/);
    const after = await exchangeBytes(platform, `GET /healthz ${host}\r\nCONNECT x:443 ${host}\r\n`);
    assert.doesNotMatch(after, /^HTTP\/1\.1 501/, 'it does not overtake the answer before it');
  });

  test('bytes in a path or a header that are no UTF-8 are refused or passed as they are, to either kind', async () => {
    for (const name of ['server', 'frames']) {
      const path = await exchangeBytes(platform, `GET /function/${name}/\xff\xfe\xc0\xaf ${last}\r\n`);
      assert.match(path, /^HTTP\/1\.1 (200|400) /, path);
      const header = await exchangeBytes(platform, `GET /function/${name}/seen ${last}X-Bytes: \xff\xc3\r\n\r\n`);
      assert.match(header, /^HTTP\/1\.1 (200|400) /, header);
    }
  });

  test('many requests in one write are answered in order', async () => {
    const connection = await openConnection(platform);
    const one = (index: number): string =>
      index % 5 === 4
        ? `GET /function/absent/${index} ${host}\r\n`
        : `POST /function/${index % 2 === 0 ? 'server' : 'frames'}/seen?n=${index} ${host}Content-Length: 2\r\n\r\n{}`;
    connection.write(Array.from({ length: 50 }, (_, index) => one(index)).join('') + `GET /healthz ${last}\r\n`);
    const answers = (await connection.closed()).split(/(?=HTTP\/1\.1 \d{3} )/);
    assert.equal(answers.length, 51);
    for (const [index, answer] of answers.slice(0, 50).entries()) {
      if (index % 5 === 4) assert.match(answer, /^HTTP\/1\.1 404 /);
      else assert.match(answer, new RegExp(`^HTTP/1\\.1 200 [^]*\\b${index}"`), answer);
    }
    assert.match(answers[50] ?? '', /OK$/);
  });

  test('ten thousand header fields reach the function, or get a clear answer', async () => {
    const fields = 'A:1\r\n'.repeat(10_000);
    const served = await exchangeBytes(platform, `GET /function/server/seen ${last}${fields}\r\n`);
    assert.match(served, /^HTTP\/1\.1 200 /, served.slice(0, 500));
    const count = Number(/"fields":(\d+)/.exec(served)?.[1]);
    assert.ok(count >= 10_000, `${count}`);
    const framed = await exchangeBytes(platform, `GET /function/frames/seen ${last}${fields}\r\n`);
    assert.match(framed, /^HTTP\/1\.1 (200|431) /, framed.slice(0, 500));
    const tooMany = await exchangeBytes(platform, `GET /function/server/seen ${last}${'A:1\r\n'.repeat(70_000)}\r\n`);
    assert.match(tooMany, /^HTTP\/1\.1 431 /);
  });

  test('HTTP/1.0 is answered without chunks, with or without keep-alive', async () => {
    for (const name of ['server', 'frames']) {
      const plain = await exchangeBytes(platform, `GET /function/${name}/seen HTTP/1.0\r\n\r\n`);
      assert.match(plain, /^HTTP\/1\.1 200 /);
      assert.doesNotMatch(plain, /transfer-encoding/i);
      const posted = await exchangeBytes(platform, `POST /function/${name}/x HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}`);
      assert.match(posted, /^HTTP\/1\.1 200 /);
      const connection = await openConnection(platform);
      const keep = `GET /function/${name}/seen HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`;
      connection.write(keep);
      await connection.until(/\}$/);
      connection.write(keep);
      await connection.until(/\}[^]*HTTP\/1\.1 200[^]*\}$/);
      connection.socket.destroy();
    }
  });

  test('a protocol switch a function cannot make is answered 501, one nobody knows is ignored', async () => {
    const upgrade = (name: string, to: string): string =>
      `GET /function/${name}/seen HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: ${to}\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    const framed = await exchangeBytes(platform, upgrade('frames', 'websocket'));
    assert.match(framed, /^HTTP\/1\.1 501 [^]*X-OpenFaaS-Internal/i);
    assert.match(await exchangeBytes(platform, upgrade('absent', 'websocket')), /^HTTP\/1\.1 404 /);
    assert.match(await exchangeBytes(platform, upgrade('server', 'h2c')), /^HTTP\/1\.1 200 /);
  });

  test('a WebSocket passes both ways to a program that speaks it, and closes from either side', async () => {
    const url = `${platform.url.replace('http', 'ws')}/function/server`;
    const before = await counts();
    const socket = new WebSocket(`${url}/socket`);
    await once(socket, 'open');
    for (const size of [0, 5, 200, 100_000, 1_000_000]) {
      const message = 'm'.repeat(size);
      socket.send(message);
      const [echoed] = (await once(socket, 'message')) as [Buffer];
      assert.ok(echoed.toString() === message, `${size}`);
    }
    socket.close(1000, 'done');
    await once(socket, 'close');
    for (const path of ['socket', 'deaf']) {
      const gone = new WebSocket(`${url}/${path}`);
      await once(gone, 'open');
      gone.terminate();
    }
    await until('the function saw all leave', async () => (await counts()).closed === before.closed + 3);
  });

  test('events arrive one by one, and the function learns that their reader left', async () => {
    const before = await counts();
    const abort = new AbortController();
    const answer = await fetch(`${platform.url}/function/server/events`, { signal: abort.signal });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const first = await reader?.read();
    assert.match(first?.value ?? '', /^data: 1\n\n/);
    assert.ok((first?.value ?? '').length < 50, 'events were held back');
    assert.match((await reader?.read())?.value ?? '', /^data: \d+\n\n/);
    abort.abort();
    await until('the function saw it leave', async () => (await counts()).closed === before.closed + 1);
  });

  test('trailers pass both ways', async () => {
    const response = await ask(
      '/function/server/trailers',
      { method: 'POST', headers: { Trailer: 'X-Sent', 'Transfer-Encoding': 'chunked' } },
      (request) => {
        request.write('some body');
        request.addTrailers({ 'X-Sent': 'after the body' });
        request.end();
      },
    );
    assert.equal(await text(response), 'body');
    assert.equal(response.trailers['x-echo'], 'after the body');
  });

  test('a client that waits to be told to continue is told so, and is not where its body is of no use', async () => {
    for (const name of ['server', 'frames']) {
      const connection = await openConnection(platform);
      connection.write(`POST /function/${name}/upload ${last}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
      assert.equal(await connection.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
      connection.write('body');
      assert.match(await connection.closed(), /\r\n\r\nHTTP\/1\.1 200 /);
    }
    const absent = await openConnection(platform);
    absent.write(`POST /function/absent ${last}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
    assert.match(await absent.until('no such function'), /^HTTP\/1\.1 404 /);
    absent.socket.destroy();
    const odd = await exchangeBytes(platform, `GET /function/server ${last}Expect: the-unexpected\r\n\r\n`);
    assert.match(odd, /^HTTP\/1\.1 417 /);
  });

  test('HEAD gets the head of the answer and no body', async () => {
    for (const name of ['server', 'frames', 'absent']) {
      const answer = await exchangeBytes(platform, `HEAD /function/${name}/seen ${last}\r\n`);
      assert.match(answer, name === 'absent' ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 200 /);
      assert.match(answer, /\r\nContent-Length: \d+\r\n/i, answer);
      assert.match(answer, /\r\n\r\n$/);
    }
  });
});

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { queryPrometheus } from './prometheus-meter.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answering(body: string): RequestListener {
  return (_request, response) => response.end(body);
}

test('the series of an answer are summed, and the query is sent as a form', async (t) => {
  const asked: string[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push(`${request.method} ${request.url} ${await text(request)}`);
    const result = [
      { metric: { a: '1' }, value: [1, '2.5'] },
      { metric: { a: '2' }, value: [1, '4'] },
    ];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  };
  const url = await serve(t, (request, response) => void take(request, response));
  assert.equal(await queryPrometheus(`${url}/`, 'up{a="b"}'), 6.5);
  assert.deepEqual(asked, ['POST /api/v1/query query=up%7Ba%3D%22b%22%7D']);
});

test('a scalar is its value', async (t) => {
  const url = await serve(t, answering('{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}'));
  assert.equal(await queryPrometheus(url, '7'), 7);
});

for (const [body, message] of [
  ['{"status":"error","error":"parse error"}', /answers: parse error/],
  ['<html>', /answers no JSON/],
  ['null', /answers: no success/],
  ['{"status":"success","data":{"resultType":"vector","result":[]}}', /finds no series for the query/],
  ['{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"NaN"]}]}}', /answers NaN, not a number/],
  ['{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"-1"]}]}}', /answers -1, not a number/],
  ['{"status":"success","data":{"resultType":"vector","result":[null,{}]}}', /answers NaN, not a number/],
  ['x'.repeat(300_000), /answers with more than 262144 bytes/],
] as const) {
  test(`${body.slice(0, 70)} is no reading`, async (t) => {
    const url = await serve(t, answering(body));
    await assert.rejects(queryPrometheus(url, 'up'), { code: 'unavailable', message });
  });
}

test('a redirect is not followed, and a server that is not there is named', async (t) => {
  const url = await serve(t, (_request, response) =>
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  );
  await assert.rejects(queryPrometheus(url, 'up'), { code: 'unavailable', message: /redirect/ });
  await assert.rejects(queryPrometheus('http://127.0.0.1:1', 'up'), {
    code: 'unavailable',
    message: /^Prometheus at http:\/\/127\.0\.0\.1:1 /,
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Invocation, Reply, StreamingReply } from '../../model/invocation.ts';
import type { Transport } from './transport.ts';
import { isUnsent } from './unsent.ts';

/**
 * A transport to an instance that answers by path:
 * - `/echo`: the body, headers `X-Method`, `X-Target`, `X-Seen` (all values of `X-Sent`, joined with `|`), two Set-Cookie
 * - `/upload`: the number of body bytes; `/empty`: 204; `/big`: 1 MiB of `b` with its length announced
 * - `/never`: no answer; `/ticks`: a head and `tick`, then nothing more; `/flood`: as much as is taken, without end
 * - `/canceled`, `/flooded`: calls seen cancelled, and bytes written by `/flood`, as decimal text
 * - `/die-before`: ends without a head; `/die-midway`: ends after a head of unknown length and `half`
 */
export interface TransportFixture {
  readonly transport: Transport;
  /** A transport to an address where nobody listens. */
  readonly unreachable: Transport;
}

/** Shows that a transport keeps its contract; `start` gives a new instance to every test. */
export function transportConformance(name: string, start: (t: TestContext) => Promise<TransportFixture>): void {
  const check = (title: string, body: (fixture: TransportFixture, t: TestContext) => Promise<void>): void => {
    test(`${name}: ${title}`, { timeout: 20_000 }, async (t) => {
      const fixture = await start(t);
      t.after(() => {
        fixture.transport.close();
        fixture.unreachable.close();
      });
      await body(fixture, t);
    });
  };
  repliesConform(check);
  requestsConform(check);
  cancellationConforms(check);
  lossesConform(check);
}

/**
 * Shows that reply trailers pass; a suite of its own, because not every instance has any (the handlers of the Node
 * runtime do not). `start` gives a transport to one that answers `/trailers` with `body` and the trailer `X-Sum: 42`.
 */
export function trailersConform(name: string, start: (t: TestContext) => Promise<Transport>): void {
  test(`${name}: trailers are there once the body ended`, { timeout: 20_000 }, async (t) => {
    const transport = await start(t);
    t.after(() => transport.close());
    const { reply } = await transport.send(callOf('/trailers'), undefined);
    assert.equal((await bodyOf(reply)).toString(), 'body');
    const fields = reply.kind === 'upgraded' ? [] : reply.kind === 'buffered' ? reply.trailers : reply.trailers();
    assert.deepEqual(
      fields.map((field) => field.toLowerCase()),
      ['x-sum', '42'],
    );
  });
}

type Check = (title: string, body: (fixture: TransportFixture, t: TestContext) => Promise<void>) => void;

/** A call with everything a test does not care about filled in. */
export function callOf(target: string, more: Partial<Invocation> = {}): Invocation {
  return {
    id: 'call-1',
    function: 'echo.openfaas-fn',
    method: 'GET',
    target,
    headers: ['Host', 'example.test'],
    body: undefined,
    contentLength: undefined,
    source: 'http',
    arrivedAtMs: performance.now(),
    upgrade: false,
    ...more,
  };
}

/** The first value of `look` that is not undefined; the test's own time limit ends a search in vain. */
async function seen<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    await delay(5);
  }
}

async function canceledOnce(transport: Transport): Promise<void> {
  await seen(async () => ((await textFrom(transport, '/canceled')) === '1' ? true : undefined));
}

/** The whole body of a reply, pulled to its end. */
export async function bodyOf(reply: Reply): Promise<Buffer> {
  if (reply.kind === 'buffered') return reply.body;
  assert.equal(reply.kind, 'streaming');
  return Buffer.concat(await (reply as StreamingReply).body.toArray());
}

async function textFrom(transport: Transport, target: string): Promise<string> {
  const { reply } = await transport.send(callOf(target), undefined);
  return (await bodyOf(reply)).toString();
}

function valuesOf(reply: Reply, name: string): string[] {
  return reply.headers.filter((_, index) => index % 2 === 1 && reply.headers[index - 1]?.toLowerCase() === name);
}

function repliesConform(check: Check): void {
  check('method, target, headers and a small body pass unchanged, and the reply is one Buffer', async (fixture) => {
    const body = Buffer.from([0, 1, 2, 255, 254]);
    const headers = ['Host', 'example.test', 'X-Sent', 'one', 'X-Sent', 'two'];
    const call = callOf('/echo/?q=%2F&q=..', { method: 'PATCH', headers, body });
    const { reply, done } = await fixture.transport.send({ ...call, target: '/echo?q=%2F&q=..' }, undefined);
    assert.equal(reply.kind, 'buffered');
    assert.equal(done, undefined);
    assert.deepEqual([reply.status, reply.origin], [200, 'function']);
    assert.deepEqual(await bodyOf(reply), body);
    assert.deepEqual(valuesOf(reply, 'x-method'), ['PATCH']);
    assert.deepEqual(valuesOf(reply, 'x-target'), ['/echo?q=%2F&q=..']);
    assert.deepEqual(valuesOf(reply, 'x-seen'), ['one|two']);
    assert.deepEqual(valuesOf(reply, 'set-cookie'), ['a=1', 'b=2']);
  });

  check('an answer without a body is an empty Buffer', async ({ transport }) => {
    const { reply } = await transport.send(callOf('/empty'), undefined);
    assert.deepEqual([reply.kind, reply.status], ['buffered', 204]);
    assert.equal((await bodyOf(reply)).length, 0);
  });

  check('a large answer streams with its length kept', async ({ transport }) => {
    const { reply, done } = await transport.send(callOf('/big'), undefined);
    assert.equal(reply.kind, 'streaming');
    assert.equal((reply as StreamingReply).contentLength, 2 ** 20);
    const digest = createHash('sha256')
      .update(await bodyOf(reply))
      .digest('hex');
    assert.equal(
      digest,
      createHash('sha256')
        .update(Buffer.alloc(2 ** 20, 'b'))
        .digest('hex'),
    );
    await done;
  });

  check('an answer nobody reads stops the instance instead of filling memory', async ({ transport }) => {
    const { reply, done } = await transport.send(callOf('/flood'), undefined);
    assert.equal(reply.kind, 'streaming');
    let last = -1;
    const written = await seen(async () => {
      const now = Number(await textFrom(transport, '/flooded'));
      const settled = now > 0 && now === last;
      last = now;
      return settled ? now : undefined;
    });
    assert.ok(written < 16 * 2 ** 20, `${written} bytes were taken`);
    (reply as StreamingReply).body.destroy();
    await done;
  });

  check('many calls at once all get their own answer', async ({ transport }) => {
    const texts = Array.from({ length: 50 }, (_, index) => `body ${index}`);
    const replies = await Promise.all(
      texts.map(async (text) => {
        const { reply } = await transport.send(callOf('/echo', { method: 'POST', body: Buffer.from(text) }), undefined);
        return (await bodyOf(reply)).toString();
      }),
    );
    assert.deepEqual(replies, texts);
  });
}

function requestsConform(check: Check): void {
  for (const contentLength of [5 * 2 ** 20, undefined]) {
    check(`a streamed request body arrives whole, length ${contentLength ?? 'unknown'}`, async ({ transport }) => {
      const chunk = Buffer.alloc(64 * 1024, 'u');
      const body = Readable.from(Array.from({ length: 80 }, () => chunk));
      const { reply } = await transport.send(callOf('/upload', { method: 'POST', body, contentLength }), undefined);
      assert.equal((await bodyOf(reply)).toString(), String(5 * 2 ** 20));
    });
  }

  check('a request body that breaks off cancels the call', async ({ transport }) => {
    const body = new Readable({ read() {} });
    body.push('half');
    body.on('error', () => {});
    const sent = transport.send(callOf('/upload', { method: 'POST', body, contentLength: 10 }), undefined);
    const rejected = assert.rejects(sent);
    await seen(() => (body.readableLength === 0 ? true : undefined));
    setTimeout(() => body.destroy(new Error('the client left')), 50);
    await rejected;
    await canceledOnce(transport);
  });
}

function cancellationConforms(check: Check): void {
  check('aborting before the answer rejects with the reason, and the instance learns of it', async ({ transport }) => {
    const abort = new AbortController();
    const sent = transport.send(callOf('/never'), abort.signal);
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(sent, { code: 'canceled' });
    await canceledOnce(transport);
  });

  check('aborting in the middle of an answer ends its body with an error and frees the slot', async ({ transport }) => {
    const abort = new AbortController();
    const { reply, done } = await transport.send(callOf('/ticks'), abort.signal);
    assert.equal(reply.kind, 'streaming');
    const { body } = reply as StreamingReply;
    const [first] = (await body
      .take(1, {})
      .toArray()
      .catch(() => [])) as Buffer[];
    if (first !== undefined) assert.equal(first.toString(), 'tick');
    abort.abort();
    await done;
    assert.equal(body.destroyed, true);
    await canceledOnce(transport);
  });

  check('destroying the body of an answer cancels the call', async ({ transport }) => {
    const { reply, done } = await transport.send(callOf('/ticks'), undefined);
    (reply as StreamingReply).body.destroy();
    await done;
    await canceledOnce(transport);
  });

  check('a signal that is aborted already sends nothing', async ({ transport }) => {
    await assert.rejects(transport.send(callOf('/never'), AbortSignal.abort()), { code: 'canceled' });
    assert.equal(await textFrom(transport, '/canceled'), '0');
  });
}

function lossesConform(check: Check): void {
  check('an instance that ends before it answers is lost, and the call may not be repeated', async ({ transport }) => {
    await assert.rejects(transport.send(callOf('/die-before'), undefined), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, 'lost');
      return !isUnsent(error);
    });
  });

  check('an instance that ends in the middle of an answer breaks its body off', async ({ transport }) => {
    const { reply, done } = await transport.send(callOf('/die-midway'), undefined);
    await assert.rejects(bodyOf(reply), { code: 'lost' });
    await done;
  });

  check('where nobody listens, nothing was sent', async ({ unreachable }) => {
    await assert.rejects(unreachable.send(callOf('/echo'), undefined), (error: unknown) => isUnsent(error));
  });

  check('closing rejects what is under way as lost, refuses new calls, and may be repeated', async ({ transport }) => {
    const sent = transport.send(callOf('/never'), undefined);
    const streamed = await transport.send(callOf('/ticks'), undefined);
    const broken = assert.rejects(bodyOf(streamed.reply), { code: 'lost' });
    transport.close();
    transport.close();
    await assert.rejects(sent, { code: 'lost' });
    await broken;
    await streamed.done;
    await assert.rejects(transport.send(callOf('/echo'), undefined), { code: 'lost' });
  });
}

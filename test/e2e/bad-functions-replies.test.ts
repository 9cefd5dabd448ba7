import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { headerBytes } from '../../src/frame/messages.ts';
import { type BadFunctions, oneShortLine, startBadFunctions } from '../support/bad-functions.ts';
import { until } from '../support/until.ts';

function frame(type: number, flags: number, stream: number, payload: string | Buffer, length?: number): string {
  const bytes = Buffer.from(payload as string, 'latin1');
  const header = Buffer.alloc(headerBytes);
  header[0] = type;
  header[1] = flags;
  header.writeUInt32BE(stream, 2);
  header.writeUInt32BE(length ?? bytes.length, 6);
  return Buffer.concat([header, bytes]).toString('hex');
}

/** What a hostile runtime sends, with the words by which the platform names it. */
const violations: readonly [what: string, hex: string, reason: RegExp][] = [
  ['noise', Buffer.from('GET / HTTP/1.1\r\nHost: you\r\n\r\n').toString('hex'), /frame type 71 does not exist/],
  ['a length of 4 GiB', frame(5, 0, 1, '', 0xffff_ffff), /a data frame of 4294967295 bytes/],
  ['a second hello', frame(1, 0, 0, '{"version":1,"role":"node"}'), /a second hello/],
  ['another specialise', frame(2, 0, 0, '{}'), /must not be sent to the router/],
  ['a stream nobody opened', frame(4, 0, 77, '200\n-'), /stream 77, which is not open/],
  ['more window than was used', frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])), /granted 2147483647 bytes/],
  ['data before a head', frame(5, 0, 1, 'early'), /data|head/],
];

/** Reply heads on the call's own stream, of the kind a runtime must not let through. */
const heads: readonly [what: string, text: string][] = [
  ['a line break in a value', '200\n-\nx-one\na\r\nset-cookie: injected=1'],
  ['a NUL in a value', '200\n-\nx-one\na\0b'],
  ['a blank in a name', '200\n-\nx one\na'],
  ['a name without a value', '200\n-\nx-one'],
  ['a status of 99', '099\n-'],
  ['a status of 101', '101\n-'],
  ['a status that is no number', 'abc\n-'],
  ['a length that is no number', '200\n1e3'],
  ['nothing of a head', 'x'],
];

suite('functions whose answers are not answers', () => {
  let stage: BadFunctions;
  before(async () => {
    stage = await startBadFunctions([]);
  });
  after(() => stage.close());

  test('one that breaks the frame protocol loses its connection, its calls and its instance', async (t) => {
    await stage.deploy(t, 'protocol', { envVars: { write_timeout: '1s' } });
    for (const [what, hex, reason] of violations) {
      const before = (await stage.callUntilUp('protocol')).text;
      const { id } = await stage.instance('protocol');
      const answer = await stage.undisturbed(() => stage.call('protocol', hex));
      assert.equal(answer.status, 502, what);
      assert.match(answer.text, oneShortLine, what);
      const retired = await until(`${what}: it is retired`, async () =>
        (await stage.instances('protocol')).find((each) => each.id === id && each.reason !== undefined),
      );
      assert.match(retired.reason ?? '', /broke the frame protocol/, what);
      assert.match(retired.reason ?? '', reason, what);
      assert.notEqual((await stage.callUntilUp('protocol')).text, before, what);
    }
  });

  test('one whose reply head is forged past its runtime costs its caller 502 and injects nothing', async (t) => {
    await stage.deploy(t, 'forged', { behaviour: 'protocol', envVars: { exec_timeout: '2s', write_timeout: '1s' } });
    for (const [what, text] of heads) {
      // Stream 1: the first call of a new instance.
      const answer = await stage.call('forged', frame(4, 1, 1, text));
      assert.equal(answer.status, 502, `${what}: ${answer.status} ${answer.text}`);
      assert.match(answer.text, oneShortLine, what);
      assert.equal(answer.headers.get('set-cookie'), null);
      assert.equal(answer.headers.get('x-openfaas-internal'), 'router');
      await retire(stage, 'forged');
    }
  });

  test('one that answers a nonsense status or header costs its caller 502 with the reason', async (t) => {
    await stage.deploy(t, 'replies');
    for (const status of [0, 99, 101, 199, 600, 1000, -1, 200.5, 'NaN', 'abc', {}]) {
      const answer = await stage.call('replies', { status, body: 'x' });
      assert.equal(answer.status, 502, JSON.stringify(status));
      assert.match(answer.text, /status .*; 200 to 599 are allowed/);
    }
    for (const headers of [
      { 'x-one': 'a\r\nset-cookie: injected=1' },
      { 'x-one': 'a\nb' },
      { 'x-one': 'a\0b' },
      { 'x-one\r\nset-cookie: injected=1\r\nx-two': 'a' },
      { 'x one': 'a' },
      { '': 'a' },
      { 'x-one': 'ż' },
    ]) {
      const answer = await stage.call('replies', { headers, body: 'x' });
      assert.equal(answer.status, 502, JSON.stringify(headers));
      assert.match(answer.text, oneShortLine);
      assert.equal(answer.headers.get('set-cookie'), null);
    }
    for (const huge of [{ long: 100_000 }, { many: 20_000 }]) {
      const answer = await stage.call('replies', { ...huge, body: 'x' });
      assert.equal(answer.status, 502, JSON.stringify(huge));
      assert.match(answer.text, oneShortLine);
    }
    assert.equal((await stage.call('replies', { body: 'well' })).text, 'well');
  });

  test('one that forges what only the platform says, or speaks of framing, is not passed on', async (t) => {
    await stage.deploy(t, 'claims', { behaviour: 'replies' });
    const headers = {
      'x-openfaas-internal': 'gateway',
      'x-call-id': 'forged',
      'x-served-by': 'me',
      'transfer-encoding': 'chunked, gzip',
      connection: 'close, x-one',
      'content-length': '999',
      trailer: 'x-two',
      'x-one': 'nominated',
      upgrade: 'websocket',
      'keep-alive': 'timeout=1',
    };
    const answer = await stage.call('claims', { headers, body: 'four' });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, 'four');
    assert.equal(answer.headers.get('content-length'), '4');
    assert.equal(answer.headers.get('x-openfaas-internal'), null);
    assert.notEqual(answer.headers.get('x-call-id'), 'forged');
    for (const name of ['transfer-encoding', 'upgrade', 'trailer']) assert.equal(answer.headers.get(name), null, name);
    assert.notEqual(answer.headers.get('keep-alive'), 'timeout=1');
  });

  test('one that breaks off in the middle of its answer breaks the answer, not the connection of others', async (t) => {
    await stage.deploy(t, 'breaks', { envVars: { exec_timeout: '2s', write_timeout: '1s' } });
    for (const way of ['throw', 'nonsense', 'exit']) {
      await stage.callUntilUp('breaks', { way: 'well' });
      await assert.rejects(stage.call('breaks', { way }), /terminated|other side closed/, way);
    }
    assert.equal((await stage.callUntilUp('breaks', { way: 'well' })).text, 'first piece\nsecond piece\n');
    for (const length of [5, 500]) {
      const answer = await stage.call('breaks', { way: 'well', length });
      assert.equal(answer.status, 502);
      assert.match(answer.text, new RegExp(`told a body of ${length} bytes and sent another length`));
    }
    await assert.rejects(stage.call('breaks', { way: 'silence' }), /terminated|other side closed/);
  });
});

/** A new instance, so that the next call is its first. */
async function retire(stage: BadFunctions, name: string): Promise<void> {
  const { id } = await stage.instance(name);
  const scale = (replicas: number): Promise<Response> =>
    stage.platform.fetch(`/system/scale-function/${name}`, {
      method: 'POST',
      body: JSON.stringify({ serviceName: name, replicas }),
    });
  await scale(0);
  await until('it is asleep', async () => (await stage.instances(name)).every((each) => each.state !== 'ready'));
  await scale(1);
  await until('it is back', async () => (await stage.instance(name)).id !== id);
}

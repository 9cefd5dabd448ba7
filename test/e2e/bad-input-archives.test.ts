import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { assertBystanderAnswers, assertNothingNoticed, deployBystander, uploadsLeft } from '../support/bystander.ts';
import { sourceArchive } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** One entry of an archive: header and content. */
type Entry = readonly [header: Partial<Header> & { readonly name: string }, content: string];

const config = (more: object = {}): Entry => [
  { name: 'com.openfaas.docker.config' },
  JSON.stringify({ image: 'bad:1', ...more }),
];
const handler: Entry = [{ name: 'context/handler.js' }, 'module.exports = async () => "";\n'];

/** A tar of these entries; a lie about the size is possible. */
async function tar(...entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(header, content);
  archive.finalize();
  return buffer(archive);
}

/** One header block as it is written by hand: name, octal size and type. */
function rawHeader(name: string, size: string, type: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, 'latin1');
  block.write('0000644\0', 100);
  block.write(size, 124, 12, 'latin1');
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\u000000', 257);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return block;
}

suite('bad archives', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform(['--limits-stall-timeout', '1s']);
    await deployBystander(platform);
  });
  after(() => platform.dispose());

  async function send(body: Buffer): Promise<{ status: number; text: string }> {
    const answer = await platform.fetch('/build', { method: 'POST', body: new Uint8Array(body) });
    return { status: answer.status, text: await answer.text() };
  }

  async function assertNoImage(): Promise<void> {
    const images = (await (await platform.fetch('/system/images')).json()) as { image: string }[];
    assert.deepEqual(
      images.map(({ image }) => image),
      ['bystander:1'],
    );
    await assertNothingNoticed(platform);
  }

  test('what is no archive, or breaks off, is refused with 400', async () => {
    const good = await sourceArchive({ image: 'bad:1' }, { 'handler.js': 'x'.repeat(5000) });
    const gzipped = gzipSync(good);
    const flipped = Buffer.from(gzipped);
    flipped.fill(0xff, 40, 60);
    const bodies: Readonly<Record<string, Buffer>> = {
      text: Buffer.from('this is no archive'),
      zeros: Buffer.alloc(10_240),
      noise: Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 251)),
      'cut in a header': good.subarray(0, 300),
      'cut in a file': good.subarray(0, 3000),
      'cut before its end': good.subarray(0, -1024),
      'cut gzip': gzipped.subarray(0, -20),
      'broken gzip': flipped,
      'gzip of nothing': gzipSync(Buffer.alloc(0)),
    };
    for (const [what, body] of Object.entries(bodies)) {
      const { status, text } = await send(body);
      assert.equal(status, 400, `${what}: ${text}`);
      assert.match(text, /archive|tar/, what);
    }
    const empty = await send(Buffer.alloc(0));
    assert.equal(empty.status, 400, empty.text);
    await assertNoImage();
  });

  test('entries that would leave the folder or are neither file nor folder are refused by name', async () => {
    const cases: readonly (readonly [Entry[0], RegExp])[] = [
      [{ name: '../escape' }, /"\.\.\/escape" leaves the folder/],
      [{ name: 'context/../../escape' }, /leaves the folder/],
      [{ name: 'context/a/../../../escape' }, /leaves the folder/],
      [{ name: '/etc/escape' }, /"\/etc\/escape" has an absolute path/],
      [{ name: 'elsewhere/file' }, /is neither "com\.openfaas\.docker\.config" nor below "context\/"/],
      [{ name: 'context/back\\slash' }, /character in its path that is not allowed/],
      [{ name: 'context/new\nline' }, /character in its path that is not allowed/],
      [{ name: `context/${'n'.repeat(300)}` }, /name of more than 255 bytes/],
      [{ name: `context/${'d/'.repeat(600)}f` }, /path of more than 1024 bytes/],
      [{ name: 'context/link', type: 'symlink', linkname: '/etc/passwd' }, /"context\/link" is a symlink/],
      [{ name: 'context/link', type: 'link', linkname: '/etc/shadow' }, /"context\/link" is a link/],
      [{ name: 'context/null', type: 'character-device', devmajor: 1, devminor: 3 }, /is a character-device/],
      [{ name: 'context/disk', type: 'block-device' }, /is a block-device/],
      [{ name: 'context/pipe', type: 'fifo' }, /is a fifo/],
      [{ name: 'context/handler.js' }, /"handler\.js" occurs twice/],
      [{ name: 'context/handler.js/inside' }, /"handler\.js" is both a file and a folder/],
      [{ name: 'com.openfaas.docker.config' }, /"com\.openfaas\.docker\.config" occurs twice/],
    ];
    for (const [header, message] of cases) {
      const { status, text } = await send(await tar(config(), handler, [header, '']));
      assert.match(text, message);
      assert.equal(status, 400, text);
    }
    await assertNoImage();
  });

  test('a config that is missing, no JSON, or wrong in a field is refused by name', async () => {
    const cases: readonly (readonly [readonly Entry[], RegExp])[] = [
      [[handler], /has no entry "com\.openfaas\.docker\.config"/],
      [[config()], /has no file below "context\/"/],
      [[[{ name: 'com.openfaas.docker.config' }, '{'], handler], /build config is not JSON/],
      [[[{ name: 'com.openfaas.docker.config' }, '[]'], handler], /build config is not a JSON object/],
      [[config({ image: 7 }), handler], /"image" is missing or no text/],
      [[config({ image: '../../x' }), handler], /image "\.\.\/\.\.\/x" is not a name/],
      [[config({ imgae: 'x' }), handler], /field "imgae" is not known/],
      [[config({ namespace: 'Upper' }), handler], /namespace name "Upper"/],
      [[config({ namespace: 'nowhere' }), handler], /namespace "nowhere"/],
      [[config({ buildArgs: { 'a b': '1' } }), handler], /build arg "a b" is not a variable name/],
      [[config({ noCache: 'yes' }), handler], /"noCache" is neither true nor false/],
    ];
    for (const [entries, message] of cases) {
      const { status, text } = await send(await tar(...entries));
      assert.match(text, message);
      assert.equal(status, 400, text);
    }
    const language = await send(await tar(config({ lang: 'algol' }), handler));
    assert.match(language.text, /language \\"algol\\" is not known/);
    await assertNoImage();
  });

  test('sizes that lie or go on without end are refused with 413 or 400', async () => {
    const [configHeader, configText] = config();
    const start = (await tar([configHeader, configText])).subarray(0, 1024);
    const end = Buffer.alloc(1024);
    const huge = Buffer.concat([start, rawHeader('context/huge', '77777777777\0', '0'), Buffer.alloc(4096), end]);
    const large = await send(huge);
    assert.equal(large.status, 413, large.text);
    assert.match(large.text, /"context\/huge" has 8589934591 bytes, the limit is 268435456/);
    for (const size of ['-0000000001\0', 'zzzzzzzzzzz\0']) {
      const { status, text } = await send(Buffer.concat([start, rawHeader('context/odd', size, '0'), end, end]));
      assert.ok(status === 400 || status === 413, `${JSON.stringify(size)}: ${status} ${text}`);
    }
    await assertNoImage();
  });

  test('a gzip bomb stops at the limit, and calls are answered in normal time while it goes off', async () => {
    const [configHeader, configText] = config();
    const start = (await tar([configHeader, configText])).subarray(0, 1024);
    // Files just under their own limit; a gzip stream may be many, one after the other.
    const zeros = gzipSync(Buffer.alloc(2 ** 24 - 512));
    const file = (name: string): Buffer[] => [
      gzipSync(rawHeader(`context/${name}`, (16 * (2 ** 24 - 512)).toString(8).padStart(11, '0'), '0')),
      ...Array.from({ length: 16 }, () => zeros),
    ];
    const bomb = Buffer.concat([gzipSync(start), ...['a', 'b', 'c'].flatMap(file)]);
    assert.ok(bomb.length < 2 ** 20, `${bomb.length}`);
    let over = false;
    const exploding = send(bomb).finally(() => {
      over = true;
    });
    while (!over) {
      await assertBystanderAnswers(platform);
      await delay(50);
    }
    const { status, text } = await exploding;
    assert.equal(status, 413, text);
    assert.match(text, /holds more than 536870912 bytes/);
    await assertNoImage();
  });

  test('an archive that never ends is refused once it is over the limit, one that stalls is given up', async () => {
    const [configHeader, configText] = config();
    const start = (await tar([configHeader, configText])).subarray(0, 1024);
    const socket = begin();
    let answer = '';
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1');
    });
    const folder = rawHeader('context/folder/', '00000000000\0', '5');
    chunk(socket, start);
    const folders = Buffer.concat(Array.from({ length: 1000 }, () => folder));
    await until('the endless archive is refused', () => {
      if (socket.writableLength < 2 ** 20) chunk(socket, folders);
      return answer.includes('20000 entries');
    });
    assert.match(answer, /^HTTP\/1\.1 413 /);
    socket.destroy();

    const stalling = begin();
    chunk(stalling, start);
    await until('the upload began', () => uploadsLeft(platform).length > 0);
    await until('the stalled upload is given up', () => uploadsLeft(platform).length === 0);
    stalling.destroy();
    await assertNoImage();
  });

  test('a client that leaves in the middle of its archive leaves nothing behind', async () => {
    const good = await sourceArchive({ image: 'bad:1' }, { 'handler.js': 'x'.repeat(500_000) });
    for (const way of ['end', 'reset'] as const) {
      const socket = begin();
      chunk(socket, good.subarray(0, 100_000));
      await until('the upload began', () => uploadsLeft(platform).length > 0);
      if (way === 'end') socket.end();
      else socket.resetAndDestroy();
      await until('the upload is gone', () => uploadsLeft(platform).length === 0);
      socket.destroy();
    }
    await assertNoImage();
  });

  /** A chunked upload that is fed by hand. */
  function begin(): Socket {
    const socket = connect(Number(new URL(platform.url).port), '127.0.0.1');
    socket.on('error', () => {});
    const head = ['POST /build HTTP/1.1', 'Host: x', `Authorization: ${platform.authorization}`];
    socket.write(`${head.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    return socket;
  }
});

function chunk(socket: Socket, bytes: Buffer): void {
  socket.write(`${bytes.length.toString(16)}\r\n`);
  socket.write(bytes);
  socket.write('\r\n');
}

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { createBuildSignatures } from '../auth/build-signature.ts';
import { createSignedUploads, type SignedUploads } from './signed-upload.ts';

const never = new AbortController().signal;

async function setUp(
  dir: string,
): Promise<{ uploads: SignedUploads; sourceDir: string; readonly sign: (body: string) => string }> {
  const file = join(dir, 'payload-secret');
  const sourceDir = join(dir, 'sources');
  const signatures = await createBuildSignatures(file);
  const secret = readFileSync(file, 'utf8').trim();
  return {
    uploads: createSignedUploads({ sourceDir, signatures, maxUploadBytes: 1000 }),
    sourceDir,
    sign: (body) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
}

test('a body is handed on when its signature fits, and nothing of it stays', async (t) => {
  const { uploads, sourceDir, sign } = await setUp(tempDir(t));
  const got = await uploads.receive(Readable.from(['a', 'b']), sign('ab'), async (tar) => buffer(tar), never);
  assert.equal(got.toString(), 'ab');
  assert.deepEqual(readdirSync(sourceDir), []);
});

test('a body that is changed, cut, foreign or too large is never looked at, and nothing of it stays', async (t) => {
  const { uploads, sourceDir, sign } = await setUp(tempDir(t));
  const use = async (): Promise<never> => assert.fail('it was looked at');
  const unsigned = { code: 'unauthenticated' };
  await assert.rejects(uploads.receive(Readable.from(['abc']), sign('ab'), use, never), unsigned);
  await assert.rejects(uploads.receive(Readable.from([]), sign('ab'), use, never), unsigned);
  const foreign = `sha256=${createHmac('sha256', 'other').update('ab').digest('hex')}`;
  await assert.rejects(uploads.receive(Readable.from(['ab']), foreign, use, never), unsigned);
  const large = 'x'.repeat(1001);
  const tooLarge = { code: 'too-large', message: /larger than 1000 bytes/ };
  await assert.rejects(uploads.receive(Readable.from([Buffer.from(large)]), sign(large), use, never), tooLarge);
  assert.deepEqual(readdirSync(sourceDir), []);
});

test('a header that is no signature is refused before a byte is taken', async (t) => {
  const { uploads, sourceDir, sign } = await setUp(tempDir(t));
  const body = new PassThrough();
  for (const header of ['', 'sha256=', 'sha256=zz', `sha1=${'0'.repeat(40)}`, `${sign('')}, ${sign('')}`]) {
    const use = async (): Promise<never> => assert.fail('it was looked at');
    await assert.rejects(uploads.receive(body, header, use, never), {
      code: 'unauthenticated',
      message: /of the form/,
    });
  }
  assert.equal(existsSync(sourceDir), false);
});

test('only a few uploads of unknown origin are taken at once, and each that ends makes room', async (t) => {
  const { uploads, sign } = await setUp(tempDir(t));
  const bodies = Array.from({ length: 4 }, () => new PassThrough());
  const use = async (tar: Readable): Promise<string> => (await buffer(tar)).toString();
  const under = bodies.map((body) => uploads.receive(body, sign('ab'), use, never));
  await assert.rejects(uploads.receive(Readable.from(['ab']), sign('ab'), use, never), { code: 'queue-full' });
  for (const body of bodies) body.end('ab');
  assert.deepEqual(await Promise.all(under), ['ab', 'ab', 'ab', 'ab']);
  assert.equal(await uploads.receive(Readable.from(['ab']), sign('ab'), use, never), 'ab');
});

test('a client that leaves ends its upload', async (t) => {
  const { uploads, sourceDir, sign } = await setUp(tempDir(t));
  const control = new AbortController();
  const received = uploads.receive(new PassThrough(), sign(''), async () => undefined, control.signal);
  control.abort();
  await assert.rejects(received, { code: 'canceled' });
  assert.deepEqual(readdirSync(sourceDir), []);
});

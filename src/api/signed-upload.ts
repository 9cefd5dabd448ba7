import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SignatureCheck } from '../auth/build-signature.ts';
import { TinderboxError } from '../model/errors.ts';
import type { ApiParts } from './api-parts.ts';

/** Uploads taken at once before it is known who sent them; each may fill `maxUploadBytes` of the disk. */
const maxUnverified = 4;
const defaultMaxUploadBytes = 256 * 2 ** 20;

export interface SignedUploads {
  /**
   * Takes the whole body, checks its signature, and only then lets it be read. Rejects with `unauthenticated`,
   * `too-large`, `queue-full` or `canceled`; nothing of it stays on the disk.
   */
  receive<T>(body: Readable, header: string, use: (tar: Readable) => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** A body that is signed is on the disk until its last byte came: before that nobody knows whether to believe it. */
export function createSignedUploads(
  parts: Pick<ApiParts, 'sourceDir' | 'signatures' | 'maxUploadBytes'>,
): SignedUploads {
  const maxBytes = parts.maxUploadBytes ?? defaultMaxUploadBytes;
  let unverified = 0;
  return {
    async receive(body, header, use, signal) {
      const check = parts.signatures.check(header);
      if (unverified >= maxUnverified) {
        const message = `${maxUnverified} signed uploads are under way, the limit`;
        throw new TinderboxError('queue-full', message, { retryAfterMs: 1000 });
      }
      unverified += 1;
      let folder: string | undefined;
      try {
        await mkdir(parts.sourceDir, { recursive: true, mode: 0o700 });
        folder = await mkdtemp(join(parts.sourceDir, 'upload-'));
        const file = join(folder, 'source.tar');
        await store(body, file, check, maxBytes, signal).finally(() => (unverified -= 1));
        return await use(createReadStream(file));
      } finally {
        if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
        else unverified -= 1;
      }
    },
  };
}

async function store(
  body: Readable,
  file: string,
  check: SignatureCheck,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(new TinderboxError('too-large', `the upload is larger than ${maxBytes} bytes`));
      else {
        check.update(chunk);
        done(null, chunk);
      }
    },
  });
  try {
    await pipeline(shield(body), meter, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
  } catch (reason) {
    if (signal.aborted) throw new TinderboxError('canceled', 'the upload was canceled', { cause: reason });
    const { code } = reason as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw reason;
    throw new TinderboxError('disk-full', 'the disk that takes uploads is full', { cause: reason });
  }
  check.assert();
}

/** A copy of the stream that may be destroyed: destroying a request closes its socket, and nobody gets an answer. */
export function shield(body: Readable): Readable {
  const copy = new PassThrough();
  body.once('error', (error) => copy.destroy(error));
  return body.pipe(copy);
}

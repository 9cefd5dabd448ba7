import type { Readable } from 'node:stream';
import { TinderboxError } from '../model/errors.ts';
import type { Connection } from './connection.ts';
import { errorFromNetwork } from './failures.ts';
import { parseNdjson } from './ndjson.ts';
import { failure, type Result, success } from './result.ts';

/** One line of the builder's streamed answer. */
interface BuildEvent {
  readonly log?: readonly string[] | null;
  readonly status?: 'in_progress' | 'success' | 'failed';
  readonly image?: string;
  readonly error?: string;
}

/** A tar with its HMAC, which a builder of its own asks for in place of a login. */
export interface SignedTar {
  readonly bytes: Buffer;
  /** `sha256=` and hex; the header `X-Build-Signature`. */
  readonly signature: string;
}

export interface BuildClient {
  /**
   * Sends a tar in the shape of OpenFaaS's builder and calls `onLog` for each line of the build. Resolves with the
   * image name; a build that ran and failed is the error `build-failed`.
   */
  run(tar: Readable | SignedTar, onLog: (line: string) => void): Promise<Result<{ readonly image: string }>>;
  /** The key that secrets of a build are sealed for; needs no credentials. */
  publicKey(): Promise<Result<string>>;
}

export function createBuildClient(connection: Connection): BuildClient {
  return {
    publicKey: async () => {
      const asked = await connection.json<{ public_key?: string }>({ method: 'GET', path: '/publickey' });
      if (!asked.ok) return asked;
      const key = asked.data?.public_key;
      if (typeof key === 'string') return success(key);
      return failure(new TinderboxError('bad-reply', `${connection.gateway}/publickey did not answer with a key`));
    },
    run: async (tar, onLog) => {
      const signed = 'bytes' in tar;
      const broken = signed ? () => undefined : failureOf(tar);
      const opened = await connection.call({
        method: 'POST',
        path: '/build',
        headers: {
          'content-type': 'application/x-tar',
          accept: 'application/x-ndjson',
          ...(signed ? { 'x-build-signature': tar.signature } : {}),
        },
        body: signed ? tar.bytes : tar,
      });
      if (!opened.ok) return failure(broken() ?? opened.error);
      try {
        return await readEvents(opened.data.body, onLog);
      } catch (reason) {
        return failure(errorFromNetwork(reason, connection.gateway));
      }
    },
  };
}

/** A source that cannot be read ends the request as well; its own reason is the one worth telling. */
function failureOf(tar: Readable): () => TinderboxError | undefined {
  let failed: TinderboxError | undefined;
  tar.once('error', (reason) => {
    if (reason.name !== 'AbortError') failed = TinderboxError.from(reason);
  });
  return () => failed;
}

async function readEvents(
  body: AsyncIterable<Uint8Array> | null,
  onLog: (line: string) => void,
): Promise<Result<{ readonly image: string }>> {
  for await (const event of parseNdjson<BuildEvent | null>(body ?? emptyBody())) {
    if (event === null) return failure(new TinderboxError('bad-reply', 'a line of the answer is no event of a build'));
    for (const line of event.log ?? []) onLog(line.replace(/\n$/, ''));
    if (event.status === 'success') return success({ image: event.image ?? '' });
    if (event.status === 'failed') {
      return failure(new TinderboxError('build-failed', event.error ?? 'the build failed without a reason'));
    }
  }
  return failure(new TinderboxError('lost', 'the build ended without a result', { hint: 'try again' }));
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

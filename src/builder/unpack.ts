import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { ExtractEvents } from 'tar-stream';
import { TinderboxError } from '../model/errors.ts';
import { removeTree } from '../sandbox/remove-tree.ts';
import { parseSourceConfig } from './source-config.ts';
import type { SourceConfig } from './source-config.ts';

/** What a source archive may be at most. */
export interface UnpackLimits {
  /** Files and folders; default 20,000. */
  readonly entries: number;
  /** All content together, unpacked, headers and padding included; default 512 MiB. */
  readonly bytes: number;
  /** One file; default 256 MiB. */
  readonly fileBytes: number;
  /** One path; default 1,024 bytes. */
  readonly pathBytes: number;
}

export const defaultUnpackLimits: UnpackLimits = {
  entries: 20_000,
  bytes: 512 * 2 ** 20,
  fileBytes: 256 * 2 ** 20,
  pathBytes: 1024,
};

export interface UnpackedSource {
  readonly config: SourceConfig;
  /** The entry with sealed build secrets, as it was sent. */
  readonly sealed?: string;
  readonly files: number;
  readonly bytes: number;
}

type Entry = ExtractEvents['entry'][1];

const configName = 'com.openfaas.docker.config';
const sealedName = 'com.openfaas.secrets';
const contextName = 'context';
const maxConfigBytes = 256 * 1024;
const maxSealedBytes = 1024 * 1024;
/** Entries beside the source, with the most bytes each may have. */
const ownLimits = new Map([
  [configName, maxConfigBytes],
  [sealedName, maxSealedBytes],
]);
/** What an archive is made of. */
const blockBytes = 512;

/**
 * Unpacks a source archive in the shape of OpenFaaS's builder (`context/…`, a config entry, and perhaps one with sealed
 * secrets; tar, optionally gzip)
 * into `dir`, which must not exist yet. Only files and folders come out; of the modes the executable bit. Throws
 * `invalid` naming the entry, or `too-large`; then `dir` is gone again.
 */
export async function unpackSource(
  stream: Readable,
  dir: string,
  limits: UnpackLimits = defaultUnpackLimits,
  signal?: AbortSignal,
): Promise<UnpackedSource> {
  // An error before the first read is found by that read.
  stream.on('error', () => undefined);
  await mkdir(dir, { mode: 0o700 });
  const leave = (): void => void stream.destroy(new TinderboxError('canceled', 'the upload was canceled'));
  signal?.addEventListener('abort', leave, { once: true });
  if (signal?.aborted === true) leave();
  try {
    const broken = new AbortController();
    const target = createTarget(dir, limits, broken.signal);
    const { head, whole } = await peek(stream);
    const meter = createMeter(limits.bytes);
    const inflate = head[0] === 0x1f && head[1] === 0x8b ? [createGunzip()] : [];
    const tar = extract();
    const reading = readEntries(tar, target);
    const feeding = pipeline([whole, ...inflate, meter, tar]);
    // An entry that is taken up only after its archive broke would never end by itself.
    feeding.catch(() => broken.abort());
    const [fed, read] = await Promise.allSettled([feeding, reading]);
    if (read.status === 'rejected' && read.reason instanceof TinderboxError) throw read.reason;
    if (fed.status === 'rejected') throw fed.reason;
    if (read.status === 'rejected') throw read.reason;
    meter.assertEnded();
    return target.finish();
  } catch (reason) {
    stream.destroy();
    await removeTree(dir);
    throw translate(reason, signal);
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}

async function peek(stream: Readable): Promise<{ head: Buffer; whole: Readable }> {
  const source = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await source.next();
  const head = first.done === true ? Buffer.alloc(0) : Buffer.from(first.value);
  async function* all(): AsyncGenerator<Buffer> {
    // An empty chunk would be taken for the end of what can be read now, and nothing would ask again.
    if (head.length > 0) yield head;
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      if (next.value.length > 0) yield next.value;
    }
  }
  return { head, whole: Readable.from(all(), { objectMode: false }) };
}

/** Counts what comes out of the archive and sees whether it ends as an archive does, with a block of zeros. */
function createMeter(limit: number): Transform & { assertEnded(): void } {
  let bytes = 0;
  let zeros = 0;
  const transform = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      const tail = zerosAtEnd(chunk);
      zeros = tail === chunk.length ? zeros + tail : tail;
      const over = bytes > limit;
      done(over ? new TinderboxError('too-large', `the source archive holds more than ${limit} bytes`) : null, chunk);
    },
  });
  return Object.assign(transform, {
    assertEnded() {
      if (zeros < blockBytes) throw new TinderboxError('invalid', `the source archive is cut off after ${bytes} bytes`);
    },
  });
}

/** Counted up to one block: an archive may be zeros all over, and nobody needs to know how many. */
function zerosAtEnd(chunk: Buffer): number {
  const most = Math.min(chunk.length, blockBytes);
  let count = 0;
  while (count < most && chunk[chunk.length - 1 - count] === 0) count += 1;
  return count;
}

async function readEntries(tar: AsyncIterable<Entry>, target: Target): Promise<void> {
  for await (const entry of tar) await target.take(entry);
}

interface Target {
  take(entry: Entry): Promise<void>;
  finish(): UnpackedSource;
}

function createTarget(dir: string, limits: UnpackLimits, signal: AbortSignal): Target {
  const taken = new Map<string, 'file' | 'directory'>();
  let config: SourceConfig | undefined;
  let sealed: string | undefined;
  let files = 0;
  let bytes = 0;
  let entries = 0;
  const makeFolder = async (path: string): Promise<void> => {
    if (path === '.' || taken.get(path) === 'directory') return;
    if (taken.has(path)) throw new TinderboxError('invalid', `archive entry "${path}" is both a file and a folder`);
    await makeFolder(dirname(path));
    taken.set(path, 'directory');
    await mkdir(join(dir, path), { mode: 0o755 });
  };
  const makeFile = async (path: string, entry: Entry): Promise<void> => {
    if (taken.has(path)) throw new TinderboxError('invalid', `archive entry "${path}" occurs twice`);
    await makeFolder(dirname(path));
    taken.set(path, 'file');
    const mode = ((entry.header.mode ?? 0) & 0o111) === 0 ? 0o644 : 0o755;
    await pipeline(entry, createWriteStream(join(dir, path), { flags: 'wx', mode }), { signal });
    files += 1;
    bytes += entry.header.size ?? 0;
  };
  return {
    async take(entry) {
      entries += 1;
      if (entries > limits.entries) {
        throw new TinderboxError('too-large', `the source archive has more than ${limits.entries} entries`);
      }
      const path = checkEntry(entry, limits);
      if (path === configName) {
        if (config !== undefined) throw new TinderboxError('invalid', `archive entry "${configName}" occurs twice`);
        config = parseSourceConfig(await readText(entry, signal));
        return;
      }
      if (path === sealedName) {
        if (sealed !== undefined) throw new TinderboxError('invalid', `archive entry "${sealedName}" occurs twice`);
        sealed = await readText(entry, signal);
        return;
      }
      const inside = path === contextName ? '.' : path.slice(contextName.length + 1);
      if (entry.header.type === 'file') return await makeFile(inside, entry);
      entry.resume();
      await makeFolder(inside);
    },
    finish() {
      if (config === undefined) throw new TinderboxError('invalid', `the source archive has no entry "${configName}"`);
      if (files === 0) throw new TinderboxError('invalid', `the source archive has no file below "${contextName}/"`);
      return { config, files, bytes, ...(sealed === undefined ? {} : { sealed }) };
    },
  };
}

/** The entry's path without `./` and trailing `/`, when it may be unpacked at all. */
function checkEntry(entry: Entry, limits: UnpackLimits): string {
  const { name, type, size } = entry.header;
  const shown = JSON.stringify(name.slice(0, 200));
  const refuse = (why: string): never => {
    throw new TinderboxError('invalid', `archive entry ${shown} ${why}`);
  };
  if (type !== 'file' && type !== 'directory')
    refuse(`is a ${type ?? 'thing unknown'}; only files and folders may be sent`);
  if (name.startsWith('/')) refuse('has an absolute path');
  if (Buffer.byteLength(name) > limits.pathBytes) refuse(`has a path of more than ${limits.pathBytes} bytes`);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f\ufffd\\]/.test(name)) refuse('has a character in its path that is not allowed');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) refuse('leaves the folder');
  if (parts.some((part) => Buffer.byteLength(part) > 255)) refuse('has a name of more than 255 bytes');
  const own = parts.length === 1 && type === 'file' ? ownLimits.get(parts[0] ?? '') : undefined;
  const isContext = parts[0] === contextName && (parts.length > 1 || type === 'directory');
  if (own === undefined && !isContext) refuse(`is neither "${configName}" nor below "${contextName}/"`);
  const most = own ?? limits.fileBytes;
  if (size > most) {
    throw new TinderboxError('too-large', `archive entry ${shown} has ${size} bytes, the limit is ${most}`);
  }
  return parts.join('/');
}

async function readText(entry: Entry, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await pipeline(entry, sink, { signal });
  return Buffer.concat(chunks).toString('utf8');
}

function translate(reason: unknown, signal: AbortSignal | undefined): TinderboxError {
  if (signal?.aborted === true) return new TinderboxError('canceled', 'the upload was canceled');
  if (reason instanceof TinderboxError) return reason;
  const code = (reason as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new TinderboxError('disk-full', 'the disk that takes uploads is full', { cause: reason });
  }
  if (/^E[A-Z]+$/.test(code) && code !== 'ECONNRESET') return TinderboxError.from(reason);
  const text = reason instanceof Error ? reason.message : String(reason);
  return new TinderboxError('invalid', `the source archive is broken or cut off: ${text}`, { cause: reason });
}

import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes waiting for the disk beyond which lines are refused: a slow disk costs lines, never memory. */
const maxPendingBytes = 2 * 2 ** 20;
const maxWriteBytes = 256 * 1024;

/**
 * The two log files of one function, shared by its instances.
 *
 * 1. One write is under way at a time; what arrives meanwhile waits, at most 2 MiB, then `append` refuses.
 * 2. Neither file grows beyond the limit: before a write would, `current.log` becomes `previous.log`.
 * 3. A failing disk never throws: what could not be written is counted and the files are opened anew next time.
 */
export class LogFile {
  readonly directory: string;
  readonly #limitBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #handle: FileHandle | undefined;
  #size = 0;
  #writing: Promise<void> | undefined;

  constructor(directory: string, limitBytes: number) {
    this.directory = directory;
    this.#limitBytes = limitBytes;
  }

  /** Takes one complete line with its newline; false when too much is waiting already. */
  append(line: Buffer): boolean {
    if (this.#pendingBytes + line.length > maxPendingBytes) return false;
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return true;
  }

  /** Resolves when everything taken so far is with the kernel, or was lost to a failing disk. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async close(): Promise<void> {
    await this.flushed();
    await this.#letGo();
  }

  async #writeAll(): Promise<void> {
    // The rest of this turn's lines join the first write.
    await new Promise(setImmediate);
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#write(batch);
      } catch {
        await this.#letGo();
      }
    }
  }

  #takeBatch(): Buffer {
    let bytes = 0;
    let count = 0;
    for (const line of this.#pending) {
      if (count > 0 && bytes + line.length > maxWriteBytes) break;
      bytes += line.length;
      count += 1;
    }
    const batch = Buffer.concat(this.#pending.splice(0, count), bytes);
    this.#pendingBytes -= bytes;
    return batch;
  }

  async #write(batch: Buffer): Promise<void> {
    let handle = this.#handle ?? (await this.#open());
    if (this.#size > 0 && this.#size + batch.length > this.#limitBytes) {
      await this.#letGo();
      await rename(join(this.directory, 'current.log'), join(this.directory, 'previous.log'));
      handle = await this.#open();
    }
    await handle.appendFile(batch);
    this.#size += batch.length;
  }

  async #open(): Promise<FileHandle> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
    const handle = await open(join(this.directory, 'current.log'), flags, 0o600);
    this.#handle = handle;
    this.#size = (await handle.stat()).size;
    return handle;
  }

  async #letGo(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }
}

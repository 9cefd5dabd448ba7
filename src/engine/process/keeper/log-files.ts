import { LogFile } from './log-file.ts';

interface LogUse {
  readonly file: LogFile;
  users: number;
}

/** One writer per function directory, shared by its instances and closed with the last of them. */
export class LogFiles {
  readonly #limitBytes: number;
  readonly #open = new Map<string, LogUse>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  acquire(directory: string): LogFile {
    const known: LogUse = this.#open.get(directory) ?? { file: new LogFile(directory, this.#limitBytes), users: 0 };
    known.users += 1;
    this.#open.set(directory, known);
    return known.file;
  }

  /** Resolves when the lines of this user are written. */
  async release(file: LogFile): Promise<void> {
    const known = this.#open.get(file.directory);
    if (known?.file !== file) return;
    known.users -= 1;
    await file.flushed();
    // Somebody may have come while the last lines were being written; two writers of one file must never be.
    if (known.users > 0 || this.#open.get(file.directory) !== known) return;
    this.#open.delete(file.directory);
    await file.close();
  }
}

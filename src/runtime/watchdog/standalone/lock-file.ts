import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { TinderboxError } from '../../../model/errors.ts';

/** The file by which a watchdog says that it is healthy. Somebody who removes it makes it unhealthy. */
export class LockFile {
  /** Undefined: there is none (`suppress_lock`), and the watchdog is healthy until it stops. */
  readonly #path: string | undefined;
  #isHeld = false;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Throws `config` when it cannot be written. */
  write(): void {
    this.#isHeld = true;
    if (this.#path === undefined) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(this.#path, '', { mode: 0o660 });
    } catch (cause) {
      throw new TinderboxError('config', `the lock file ${this.#path} cannot be written: ${(cause as Error).message}`, {
        hint: 'set TMPDIR to a folder that can be written, or suppress_lock=true',
        cause,
      });
    }
  }

  get isHealthy(): boolean {
    return this.#isHeld && (this.#path === undefined || existsSync(this.#path));
  }

  remove(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
  }
}

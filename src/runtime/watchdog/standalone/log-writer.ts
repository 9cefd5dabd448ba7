import type { Writable } from 'node:stream';

/** Lines as Go's log package writes them, `2026/11/21 15:59:59 text`, in local time; those of one turn in one write. */
export class LogWriter {
  readonly #out: Writable;
  #pending = '';
  #second = -1;
  #stamp = '';

  constructor(out: Writable) {
    this.#out = out;
  }

  line(text: string): void {
    this.#add(`${this.stamp()}${text}\n`);
  }

  /** The time, with a blank behind it. */
  stamp(): string {
    const now = Date.now();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#stamp = formatStamp(new Date(now));
    }
    return this.#stamp;
  }

  /** Writes what waits; call before the process ends. */
  flush(): void {
    const text = this.#pending;
    this.#pending = '';
    if (text !== '') this.#out.write(text);
  }

  #add(text: string): void {
    if (this.#pending === '') setImmediate(() => this.flush());
    this.#pending += text;
  }
}

function formatStamp(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}/${two(time.getMonth() + 1)}/${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())} `;
}

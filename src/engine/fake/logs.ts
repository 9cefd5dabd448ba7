import { EventEmitter, once } from 'node:events';
import type { LogLine, LogQuery } from '../../model/log-line.ts';

interface Writer {
  readonly namespace: string;
  readonly name: string;
}

/** Log lines in memory, with the reading rules of the real ones. */
export class FakeLogs {
  readonly #lines: LogLine[] = [];
  readonly #written = new EventEmitter();

  write({ namespace, name }: Writer, instance: string, text: string): void {
    this.#lines.push({ namespace, name, instance, timestamp: new Date().toISOString(), text, stream: 'stdout' });
    this.#written.emit('line');
  }

  async *read(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    const stored = this.#lines.filter((line) => matches(line, query));
    yield* query.tail === undefined ? stored : query.tail === 0 ? [] : stored.slice(-query.tail);
    for (let seen = this.#lines.length; query.follow && !signal.aborted; ) {
      if (seen === this.#lines.length) await once(this.#written, 'line', { signal }).catch(() => undefined);
      const fresh = this.#lines.slice(seen);
      seen += fresh.length;
      yield* fresh.filter((line) => matches(line, query));
    }
  }
}

function matches(line: LogLine, query: LogQuery): boolean {
  if (line.namespace !== query.namespace || line.name !== query.name) return false;
  if (query.instance !== undefined && line.instance !== query.instance) return false;
  return query.sinceMs === undefined || Date.parse(line.timestamp) >= query.sinceMs;
}

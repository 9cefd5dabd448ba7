/**
 * Brings spans to a collector in batches.
 *
 * Owns: the queue of spans that are over, when a batch goes, and what becomes of one that was not taken. Does not own
 * what a span is (span.ts) or how it is sent (`post`).
 * 1. `add` never waits: beyond the bound of the queue spans are dropped, and counted.
 * 2. One batch is under way at a time. One that could not be delivered stays first in the queue and is tried again, ever
 *    more seldom; so a collector that is down costs the memory of a full queue and one attempt now and then.
 */
import { notice } from '../channels.ts';
import { formatOtlp, type TraceResource } from './otlp-text.ts';
import type { PostOtlp } from './post-otlp.ts';
import type { Span, SpanSink } from './span.ts';

export interface SpanExporterOptions {
  readonly post: PostOtlp;
  readonly resource: TraceResource;
  /** Spans that wait; default 8,192. */
  readonly mostWaiting?: number;
  /** Spans of one batch; default 512, as OpenTelemetry's. */
  readonly batchSpans?: number;
  /** Longest a span waits for a batch to fill; default 1 s. */
  readonly intervalMs?: number;
  /** First wait after a batch that was not taken, doubled each time up to 30 s; default 1 s. */
  readonly retryMs?: number;
}

export interface SpanCounts {
  readonly exported: number;
  readonly dropped: number;
}

export interface SpanExporter extends SpanSink {
  counts(): SpanCounts;
  /** Sends what waits, until the signal aborts; what is left then is dropped. Idempotent. */
  close(signal: AbortSignal): Promise<void>;
}

const longestRetryMs = 30_000;

export function createSpanExporter(options: SpanExporterOptions): SpanExporter {
  return new BatchExporter(options);
}

class BatchExporter implements SpanExporter {
  readonly #options: Required<SpanExporterOptions>;
  readonly #stop = new AbortController();
  #waiting: Span[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #exported = 0;
  #dropped = 0;
  #closing = false;

  constructor(options: SpanExporterOptions) {
    this.#options = { mostWaiting: 8192, batchSpans: 512, intervalMs: 1000, retryMs: 1000, ...options };
  }

  add(span: Span): void {
    if (this.#closing || this.#waiting.length >= this.#options.mostWaiting) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= this.#options.batchSpans && this.#failures === 0) this.#sendNow();
    else this.#sendIn(this.#options.intervalMs);
  }

  counts(): SpanCounts {
    return { exported: this.#exported, dropped: this.#dropped };
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    const stop = (): void => this.#stop.abort();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    do {
      await this.#sending;
      clearTimeout(this.#timer);
      // One attempt for each batch: a collector that is down is not waited for.
      if (this.#failures > 0 || this.#stop.signal.aborted) break;
      this.#sendNow();
    } while (this.#sending !== undefined);
    signal.removeEventListener('abort', stop);
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
  }

  #sendIn(ms: number): void {
    if (this.#timer !== undefined || this.#sending !== undefined) return;
    this.#timer = setTimeout(() => this.#sendNow(), ms).unref();
  }

  #sendNow(): void {
    if (this.#sending !== undefined || this.#waiting.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#send().finally(() => {
      this.#sending = undefined;
      if (!this.#closing && this.#waiting.length > 0) this.#goOn();
    });
  }

  #goOn(): void {
    const { batchSpans, intervalMs, retryMs } = this.#options;
    if (this.#failures > 0) this.#sendIn(Math.min(longestRetryMs, retryMs * 2 ** Math.min(this.#failures - 1, 10)));
    else if (this.#waiting.length >= batchSpans) this.#sendNow();
    else this.#sendIn(intervalMs);
  }

  async #send(): Promise<void> {
    const batch = this.#waiting.slice(0, this.#options.batchSpans);
    const answer = await this.#options.post(formatOtlp(batch, this.#options.resource), this.#stop.signal);
    if (answer.outcome === 'again') {
      this.#failed(answer.reason, 'they are kept and tried again');
      return;
    }
    this.#waiting.splice(0, batch.length);
    const rejected = answer.outcome === 'refused' ? batch.length : answer.rejected;
    this.#dropped += rejected;
    this.#exported += batch.length - rejected;
    if (answer.outcome === 'refused') this.#failed(answer.reason, 'they are dropped');
    else this.#failures = 0;
  }

  /** Told once until it goes well again. */
  #failed(reason: string, what: string): void {
    this.#failures += 1;
    if (this.#failures > 1 || this.#stop.signal.aborted) return;
    const message = `spans cannot be brought to the collector, ${what}: ${reason}`;
    notice.publish({ level: 'warn', part: 'traces', message });
  }
}

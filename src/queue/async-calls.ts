/**
 * Calls nobody waits for: takes them in, has them run, sends their answers where they were asked for.
 *
 * Owns: what a job means. Does not own storage (queue.ts) nor turns and concurrency (dispatcher.ts).
 * 1. A call that was accepted is on disk, and leaves it only done, given up (a dead letter) or cancelled.
 * 2. An answer and the callback that carries it are one step: none is lost between them.
 * 3. The queue is opened with the first call, or at the start when an earlier platform left one: a platform without
 *    such calls has no thread for them.
 */
import type { Cancel } from '../model/cancel.ts';
import type { FunctionKey } from '../model/names.ts';
import { defaultRetrySettings, type RetrySettings } from '../model/retry-settings.ts';
import { jobAccepted } from '../observe/channels.ts';
import { type Attempt, attemptCall, type CallContext, historyBytes } from './attempt.ts';
import { attemptCallback, type CallbackContext, callbackHeaders } from './callback.ts';
import { decideRetry } from './decide-retry.ts';
import { createDispatcher, type Dispatcher, type RunResult } from './dispatcher.ts';
import type { CallPayload, FinishedAttempt, Job, LeasedJob } from './job.ts';
import type { DeadLetters, History, JobQueue, LaneDepth } from './queue.ts';

export interface AsyncCallsOptions extends CallContext {
  readonly open: () => Promise<JobQueue>;
  readonly callbacks: Omit<CallbackContext, 'now'>;
  /** Undefined: the function is not there, and what is tried again is tried by default. */
  readonly retryOf: (key: FunctionKey) => RetrySettings | undefined;
  /** The path of a URL that leads back to this platform; undefined: it leads elsewhere. */
  readonly ownPath: (url: URL) => { readonly key: FunctionKey; readonly target: string } | undefined;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Jobs stored, and what can be done with them. */
export interface AsyncCalls {
  /** Goes on with what an earlier platform left. */
  resume(): Promise<void>;
  /** Resolves when it is on disk; false: the same id was accepted before. Rejects with `queue-full` or `disk-full`. */
  accept(job: Job): Promise<boolean>;
  /** Whether there was such a call, waiting or running. */
  cancel(id: string): Promise<boolean>;
  depth(): Promise<readonly LaneDepth[]>;
  /** Jobs that run now, by lane. */
  running(): ReadonlyMap<string, number>;
  deadLetters(): Promise<DeadLetters>;
  history(): Promise<History>;
  close(signal: AbortSignal): Promise<void>;
}

/** A callback is tried for about half an hour. */
const callbackRetry: RetrySettings = { ...defaultRetrySettings, attempts: 12, minWaitMs: 1_000, maxWaitMs: 300_000 };

export function createAsyncCalls(options: AsyncCallsOptions): AsyncCalls {
  return new QueuedCalls(options);
}

interface Opened {
  readonly queue: JobQueue;
  readonly dispatcher: Dispatcher;
}

class QueuedCalls implements AsyncCalls {
  readonly #options: AsyncCallsOptions;
  #opened: Promise<Opened> | undefined;
  #dispatcher: Dispatcher | undefined;

  constructor(options: AsyncCallsOptions) {
    this.#options = options;
  }

  async resume(): Promise<void> {
    await this.#open();
  }

  async accept(job: Job): Promise<boolean> {
    const { queue } = await this.#open();
    const [isNew = false] = await queue.append([job]);
    if (isNew) jobAccepted.publish({ lane: job.lane });
    return isNew;
  }

  async cancel(id: string): Promise<boolean> {
    return await (await this.#open()).dispatcher.cancel(id);
  }

  async depth(): Promise<readonly LaneDepth[]> {
    return this.#opened === undefined ? [] : await (await this.#opened).queue.depth();
  }

  running(): ReadonlyMap<string, number> {
    return this.#dispatcher?.running() ?? new Map();
  }

  async deadLetters(): Promise<DeadLetters> {
    return (await this.#open()).queue.deadLetters;
  }

  async history(): Promise<History> {
    return (await this.#open()).queue.history;
  }

  async close(signal: AbortSignal): Promise<void> {
    if (this.#opened === undefined) return;
    const { queue, dispatcher } = await this.#opened;
    await dispatcher.close(signal);
    await queue.close();
  }

  #open(): Promise<Opened> {
    const opened = (this.#opened ??= this.#openQueue());
    // A disk that was full may have room by the next call.
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = undefined;
    });
    return opened;
  }

  async #openQueue(): Promise<Opened> {
    const queue = await this.#options.open();
    const dispatcher = createDispatcher({ queue, run: (job, signal) => this.#run(job, signal) });
    this.#dispatcher = dispatcher;
    return { queue, dispatcher };
  }

  async #run(job: LeasedJob, signal: Cancel): Promise<RunResult> {
    const { payload } = job;
    if (payload.kind === 'callback') {
      const { callbacks, now } = this.#options;
      const attempt = await attemptCallback(job, payload, { ...callbacks, now }, signal);
      const { forbidden } = attempt;
      if (forbidden !== undefined)
        return { settlement: { outcome: 'dead', reason: forbidden, next: [] }, refused: false };
      return this.#result(job, attempt, callbackRetry, []);
    }
    const attempt = await attemptCall(job, payload, this.#options, signal);
    const retry = this.#options.retryOf(payload.function) ?? defaultRetrySettings;
    const next = payload.callbackUrl === undefined ? [] : [this.#callback(job, payload, payload.callbackUrl, attempt)];
    return this.#result(job, attempt, retry, next);
  }

  #result(job: LeasedJob, attempt: Attempt, retry: RetrySettings, next: readonly Job[]): RunResult {
    const { now, random } = this.#options;
    const { attempt: count, createdMs } = job;
    const decision = decideRetry(attempt, retry, { attempt: count, createdMs, nowMs: now(), random: random() });
    const refused = attempt.status === 429 || attempt.status === 503;
    if (decision.kind === 'retry') return { settlement: { outcome: 'retry', atMs: decision.atMs }, refused };
    if (decision.kind === 'done') return { settlement: { outcome: 'done', next, record: recordOf(attempt) }, refused };
    return { settlement: { outcome: 'dead', reason: decision.reason, next }, refused };
  }

  /** The job that brings the answer; to a function of this platform it is a call like any other. */
  #callback(job: LeasedJob, payload: CallPayload, url: string, attempt: Attempt): Job {
    const headers = callbackHeaders(job, payload.function, attempt);
    const nowMs = this.#options.now();
    const own = this.#options.ownPath(new URL(url));
    return {
      id: `${job.id}.callback`,
      lane: own === undefined ? `callback ${new URL(url).host}` : own.key,
      priority: 0,
      dueMs: nowMs,
      createdMs: nowMs,
      rememberMs: 0,
      payload:
        own === undefined
          ? { kind: 'callback', url, headers }
          : { kind: 'call', function: own.key, method: 'POST', target: own.target, headers },
      body: attempt.body,
    };
  }
}

function recordOf({ status, durationMs, body, truncated }: Attempt): FinishedAttempt {
  return {
    status,
    durationMs,
    response: body.subarray(0, historyBytes),
    truncated: truncated || body.length > historyBytes,
  };
}

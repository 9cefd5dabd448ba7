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
import { sharedQueue } from '../model/queue-name.ts';
import { defaultRetrySettings, type RetrySettings } from '../model/retry-settings.ts';
import type { FunctionSettings } from '../model/settings.ts';
import { jobAccepted } from '../observe/channels.ts';
import { type Attempt, attemptCall, type CallContext, historyBytes } from './attempt.ts';
import { attemptCallback, type CallbackAttempt, type CallbackContext, callbackHeaders } from './callback.ts';
import { decideRetry } from './decide-retry.ts';
import { createDispatcher, type Dispatcher, type RunResult, type Turns } from './dispatcher.ts';
import type { CallbackPayload, CallPayload, CallUsage, FinishedAttempt, Job, LeasedJob } from './job.ts';
import type { JobTracer } from './job-tracer.ts';
import type { Backbone, DeadLetters, History, JobQueue, LaneDepth } from './queue.ts';
import { type DedicatedQueue, resolveWorkQueue } from './work-queues.ts';

export interface AsyncCallsOptions extends CallContext {
  readonly open: () => Promise<JobQueue>;
  readonly callbacks: Omit<CallbackContext, 'now'>;
  /** Undefined: the function is not there, and what is tried again is tried by default. */
  readonly settingsOf: (key: FunctionKey) => CallSettings | undefined;
  /** What is set for queues, by name. */
  readonly dedicated: ReadonlyMap<string, DedicatedQueue>;
  /** The path of a URL that leads back to this platform; undefined: it leads elsewhere. */
  readonly ownPath: (url: URL) => { readonly key: FunctionKey; readonly target: string } | undefined;
  /** What stored calls carry of the trace they belong to. Default: what came with them, like any header. */
  readonly jobTracer?: JobTracer;
  /** 0 to 1. */
  readonly random: () => number;
}

/** What of a function's settings concerns its stored calls. */
export type CallSettings = Pick<FunctionSettings, 'retry' | 'memoryBytes' | 'queue'>;

/** What is stored of a lane and what runs of it. */
export interface LaneStatus extends LaneDepth {
  /** The queue whose share it takes. */
  readonly queue: string;
  readonly running: number;
  /** How many of it may run at once now. */
  readonly limit: number;
}

/** Jobs stored, and what can be done with them. */
export interface AsyncCalls {
  /** Goes on with what an earlier platform left. */
  resume(): Promise<void>;
  /** Resolves when it is on disk; false: the same id was accepted before. Rejects with `queue-full` or `disk-full`. */
  accept(job: Job): Promise<boolean>;
  /** Whether there was such a call, waiting or running. */
  cancel(id: string): Promise<boolean>;
  depth(): Promise<readonly LaneStatus[]>;
  /** Jobs that run now, by lane. */
  running(): ReadonlyMap<string, number>;
  /** The queue a lane takes its turns in. */
  queueOf(lane: string): string;
  /** Since when due jobs have been waiting, by lane, in Unix time in ms. */
  waitingSince(): ReadonlyMap<string, number>;
  deadLetters(): Promise<DeadLetters>;
  history(): Promise<History>;
  /** What keeps them; undefined: nothing was stored yet, or it cannot be reached. */
  backbone(): Promise<Backbone | undefined>;
  close(signal: AbortSignal): Promise<void>;
}

/** A callback is tried for about half an hour. */
const callbackRetry: RetrySettings = { ...defaultRetrySettings, attempts: 12, minWaitMs: 1_000, maxWaitMs: 300_000 };

export function createAsyncCalls(options: AsyncCallsOptions): AsyncCalls {
  return new QueuedCalls(options);
}

/** What follows from an attempt, and what it used. */
interface Also {
  readonly next: readonly Job[];
  readonly used?: CallUsage;
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

  accept(job: Job): Promise<boolean> {
    const { jobTracer } = this.#options;
    return jobTracer === undefined ? this.#store(job) : jobTracer.accept(job, (traced) => this.#store(traced));
  }

  async cancel(id: string): Promise<boolean> {
    return await (await this.#open()).dispatcher.cancel(id);
  }

  async depth(): Promise<readonly LaneStatus[]> {
    if (this.#opened === undefined) return [];
    const { queue, dispatcher } = await this.#opened;
    const running = dispatcher.running();
    return (await queue.depth()).map((depth) => ({
      ...depth,
      queue: this.queueOf(depth.lane),
      running: running.get(depth.lane) ?? 0,
      limit: dispatcher.limitOf(depth.lane),
    }));
  }

  queueOf(lane: string): string {
    return this.#options.settingsOf(lane as FunctionKey)?.queue ?? sharedQueue;
  }

  running(): ReadonlyMap<string, number> {
    return this.#dispatcher?.running() ?? new Map();
  }

  waitingSince(): ReadonlyMap<string, number> {
    return this.#dispatcher?.waitingSince() ?? new Map();
  }

  async deadLetters(): Promise<DeadLetters> {
    return (await this.#open()).queue.deadLetters;
  }

  async history(): Promise<History> {
    return (await this.#open()).queue.history;
  }

  async backbone(): Promise<Backbone | undefined> {
    try {
      return (await this.#opened)?.queue.backbone;
    } catch {
      return undefined;
    }
  }

  async close(signal: AbortSignal): Promise<void> {
    if (this.#opened === undefined) return;
    const { queue, dispatcher } = await this.#opened;
    const closed = dispatcher.close(signal);
    // An outcome may wait for a queue that is away: there is an end to that.
    signal.addEventListener('abort', () => void queue.close(), { once: true });
    await closed;
    await queue.close();
  }

  async #store(job: Job): Promise<boolean> {
    const { queue } = await this.#open();
    const name = this.queueOf(job.lane);
    const { laneJobs } = resolveWorkQueue(name, this.#options.dedicated);
    const [isNew = false] = await queue.append([laneJobs === undefined ? job : { ...job, laneJobs }]);
    if (isNew) jobAccepted.publish({ lane: job.lane, queue: name });
    return isNew;
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
    const dispatcher = createDispatcher({
      queue,
      run: (job, signal) => this.#run(job, signal),
      turnsOf: (lane) => this.#turnsOf(lane),
    });
    this.#dispatcher = dispatcher;
    return { queue, dispatcher };
  }

  #turnsOf(lane: string): Turns {
    const name = this.queueOf(lane);
    return { name, most: resolveWorkQueue(name, this.#options.dedicated).atOnce };
  }

  async #run(job: LeasedJob, signal: Cancel): Promise<RunResult> {
    const { payload } = job;
    if (payload.kind === 'callback') {
      const { callbacks, now, jobTracer } = this.#options;
      const send = (given: CallbackPayload): Promise<CallbackAttempt> =>
        attemptCallback(job, given, { ...callbacks, now }, signal);
      const attempt = await (jobTracer === undefined ? send(payload) : jobTracer.deliver(job, payload, send));
      const { forbidden } = attempt;
      if (forbidden !== undefined)
        return { settlement: { outcome: 'dead', reason: forbidden, next: [] }, refused: false };
      return this.#result(job, attempt, callbackRetry, { next: [] });
    }
    if (payload.givenUp !== undefined && payload.sinceMs === undefined) {
      return { settlement: { outcome: 'dead', reason: payload.givenUp, next: [] }, refused: false };
    }
    const attempt = await attemptCall(job, payload, this.#options, signal);
    const { retry = defaultRetrySettings, memoryBytes = 0 } = this.#options.settingsOf(payload.function) ?? {};
    const next =
      payload.callbackUrl === undefined ? [] : [this.#callback(job, payload, payload.callbackUrl, attempt, retry)];
    const { billedMs } = attempt;
    const used = { billedMs, gbSeconds: (billedMs / 1000) * (memoryBytes / 2 ** 30) };
    return this.#result(job, attempt, retry, billedMs === 0 ? { next } : { next, used });
  }

  #result(job: LeasedJob, attempt: Attempt, retry: RetrySettings, also: Also): RunResult {
    const { now, random } = this.#options;
    const { attempt: count, createdMs, payload } = job;
    const { sinceMs = createdMs } = payload;
    const decision = decideRetry(attempt, retry, { attempt: count, sinceMs, nowMs: now(), random: random() });
    const refused = attempt.status === 429 || attempt.status === 503;
    if (decision.kind === 'retry') {
      const { used } = also;
      const again = { outcome: 'retry', atMs: decision.atMs } as const;
      return { settlement: used === undefined ? again : { ...again, used }, refused };
    }
    const end = { ...also, record: recordOf(attempt) };
    if (decision.kind === 'done') return { settlement: { outcome: 'done', ...end }, refused };
    return { settlement: { outcome: 'dead', reason: decision.reason, ...end }, refused };
  }

  /** The job that brings the answer; to a function of this platform it is a call like any other. */
  #callback(job: LeasedJob, payload: CallPayload, url: string, attempt: Attempt, retry: RetrySettings): Job {
    const told = callbackHeaders(job, payload.function, attempt, retry, this.#options.callbacks.sign);
    const headers = this.#options.jobTracer?.carry(payload.headers, told) ?? told;
    const nowMs = this.#options.now();
    const own = this.#options.ownPath(new URL(url));
    const times = [job.createdMs, payload.sinceMs].filter((ms) => ms !== undefined);
    return {
      // A client may use an id again as soon as its call is over, and a call be replayed, while the callback is under way.
      id: `${[job.id, ...times.map((ms) => ms.toString(36))].join('-')}.callback`,
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

import type { Call } from './call.ts';

type HeaderValues = Record<string, string | number | readonly string[] | undefined>;

interface Answers {
  succeed(value: unknown): void;
  fail(error: unknown): void;
}

/** Second argument of an OpenFaaS handler: shapes the answer. `status` and `headers` return the context to chain. */
export class EventContext {
  /** Id of the call, in logs and records too. */
  readonly callId: string;
  readonly #call: Call;
  readonly #answers: Answers;
  #status = 200;
  #headers: HeaderValues | undefined;

  constructor(call: Call, answers: Answers) {
    this.callId = call.request.callId;
    this.#call = call;
    this.#answers = answers;
  }

  /** Unix time in milliseconds after which nobody waits for the answer; undefined: never. */
  get deadline(): number | undefined {
    return this.#call.deadline;
  }

  /** Aborted when the caller is gone or the deadline passed. */
  get signal(): AbortSignal {
    return this.#call.signal;
  }

  status(): number;
  status(status: number): this;
  status(status?: number): number | this {
    if (status === undefined) return this.#status;
    this.#status = status;
    return this;
  }

  headers(): HeaderValues;
  headers(headers: HeaderValues): this;
  headers(headers?: HeaderValues): HeaderValues | this {
    if (headers === undefined) return this.#headers ?? noHeaders;
    this.#headers = headers;
    return this;
  }

  succeed(value?: unknown): void {
    this.#answers.succeed(value);
  }

  /** Answers with the status set before when it is an error, else 500, and the error's text. */
  fail(error?: unknown): void {
    this.#answers.fail(error);
  }
}

const noHeaders: HeaderValues = Object.freeze({});

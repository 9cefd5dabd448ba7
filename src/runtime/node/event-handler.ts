import type { Call } from './call.ts';
import { EventContext } from './event-context.ts';
import { type BodyRules, type FunctionEvent, readEvent, resolveBodyRules } from './event.ts';
import type { Handler } from './handler.ts';
import { replyCrash, replyError, textOf } from './reply-error.ts';
import { replyValue } from './reply-value.ts';

type Callback = (error?: unknown, value?: unknown) => void;

/** OpenFaaS's handler shape for Node: the answer is what is returned, passed to `succeed`, or to the callback. */
export type EventHandler = (event: FunctionEvent, context: EventContext, callback: Callback) => unknown;

/** Runs a function of `(event, context)` or `(event, context, callback)`. `env` is the function's environment. */
export function eventHandler(handler: EventHandler, env: NodeJS.ProcessEnv): Handler {
  const rules = resolveBodyRules(env);
  return (call) => {
    const maxBytes = rules.maxBytesOf(call.request.fields);
    call.body.collect(maxBytes, (body) => {
      if (body === undefined) return replyError(call, 413, `the body is longer than ${maxBytes} bytes`);
      call.run(() => runHandler(handler, rules, call, body));
    });
  };
}

function runHandler(handler: EventHandler, rules: BodyRules, call: Call, body: Buffer): void {
  let event: FunctionEvent;
  try {
    event = readEvent(call.request, body, rules);
  } catch (error) {
    return replyError(call, 400, (error as Error).message);
  }
  const settlement = new Settlement(call);
  const context = settlement.context;
  const callback: Callback = (error, value) => (error ? context.fail(error) : context.succeed(value));
  try {
    const returned = handler(event, context, callback);
    if (isThenable(returned)) {
      returned.then(
        (value) => settlement.returned(value),
        (error: unknown) => settlement.threw(error),
      );
    } else if (returned === undefined && handler.length >= 3) settlement.awaitCallback();
    else settlement.returned(returned);
  } catch (error) {
    settlement.threw(error);
  }
}

/**
 * Joins the ways a handler can answer. The first answer counts; the call is over when the handler has also settled, so
 * that a slot is never given away while code still runs.
 */
class Settlement {
  readonly context: EventContext;
  readonly #call: Call;
  #answer: (() => void) | undefined;
  #settled = false;
  #done = false;

  constructor(call: Call) {
    this.#call = call;
    this.context = new EventContext(call, {
      succeed: (value) => this.#answered(() => this.#succeed(value)),
      fail: (error) => this.#answered(() => this.#fail(error)),
    });
  }

  returned(value: unknown): void {
    this.#settled = true;
    this.#answered(() => this.#succeed(value));
  }

  threw(error: unknown): void {
    this.#settled = true;
    this.#answered(() => replyCrash(this.#call, error));
  }

  /** The handler returned and will answer by the callback. */
  awaitCallback(): void {
    this.#settled = true;
    this.#finish();
  }

  #answered(answer: () => void): void {
    this.#answer ??= answer;
    this.#finish();
  }

  #finish(): void {
    if (this.#done || !this.#settled || this.#answer === undefined) return;
    this.#done = true;
    try {
      this.#answer();
    } catch (error) {
      // What a handler gives may throw when it is read.
      replyCrash(this.#call, error);
    }
  }

  #succeed(value: unknown): void {
    const { context } = this;
    replyValue(this.#call, context.status(), context.headers(), value);
  }

  #fail(error: unknown): void {
    const status = this.context.status();
    replyError(this.#call, status >= 400 ? status : 500, textOf(error));
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

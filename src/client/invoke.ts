import type { Readable } from 'node:stream';
import type { Connection } from './connection.ts';
import type { HttpReply } from './fetch.ts';
import type { Result } from './result.ts';

export interface FunctionCall {
  readonly name: string;
  readonly namespace: string;
  readonly method: string;
  /** Below the function, with query; `` or starting with `/` or `?`. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | Readable;
  /** Queues the call: the answer is 202 and says nothing of the function's. Default false. */
  readonly async?: boolean;
}

export interface InvokeClient {
  /** Any HTTP answer is success: its status is the function's business. Credentials are not sent. */
  call(call: FunctionCall, signal?: AbortSignal): Promise<Result<HttpReply>>;
}

export function createInvokeClient(connection: Connection): InvokeClient {
  return {
    call: (call, signal) =>
      connection.send({
        method: call.method,
        path: `/${call.async === true ? 'async-function' : 'function'}/${encodeURIComponent(call.name)}.${encodeURIComponent(call.namespace)}${call.target}`,
        headers: call.headers,
        ...(call.body === undefined ? {} : { body: call.body }),
        signal,
      }),
  };
}

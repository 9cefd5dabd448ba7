import type { Call } from './call.ts';
import type { Handler } from './handler.ts';
import { replyCrash } from './reply-error.ts';
import { replyStream } from './reply-stream.ts';

/** Second argument of `fetch`. */
export interface FetchContext {
  readonly callId: string;
  /** Unix time in milliseconds; undefined: none. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal;
}

/** The web-standard handler shape. */
export interface FetchHandler {
  fetch(request: Request, context: FetchContext): Response | Promise<Response>;
}

const noBytes = Buffer.alloc(0);

/** Runs `fetch(request, context)`. `name` is the host of the request's URL where the caller sent none. */
export function fetchHandler(handler: FetchHandler, name: string): Handler {
  return (call) => {
    const start = (): void => call.run(() => void answer(handler, call, name));
    if (call.body.ended) start();
    // What came in the same read belongs to the request: a small body is whole by then and needs no stream.
    else process.nextTick(start);
  };
}

async function answer(handler: FetchHandler, call: Call, name: string): Promise<void> {
  try {
    const response = await handler.fetch(requestFrom(call, name), contextFrom(call));
    if (!isResponse(response)) throw new TypeError('fetch must return a Response');
    await replyResponse(call, response);
  } catch (error) {
    replyCrash(call, error);
  }
}

async function replyResponse(call: Call, response: Response): Promise<void> {
  const fields: string[] = [];
  let length: number | undefined;
  for (const [field, value] of response.headers) {
    if (field === 'content-length') length = Number(value);
    else fields.push(field, value);
  }
  if (response.body === null) {
    if (length === undefined || !call.isBodyless(response.status)) return call.reply(response.status, fields, noBytes);
    if (call.sendHead(response.status, fields, length, true)) call.finish();
    return;
  }
  await replyStream(call, response.status, fields, length, response.body);
}

function requestFrom(call: Call, name: string): Request {
  const { method, target, fields } = call.request;
  const headers = new Headers();
  for (let at = 0; at < fields.length; at += 2) headers.append(fields[at] as string, fields[at + 1] as string);
  const url = urlFrom(target, headers.get('host') ?? name, name);
  const init: RequestInit & { duplex: 'half' } = { method, headers, duplex: 'half' };
  if (method !== 'GET' && method !== 'HEAD') {
    const { body } = call;
    if (!body.ended) init.body = body.stream();
    else init.body = body.whole() as unknown as BodyInit;
  }
  const request = new Request(url, init);
  // Passing it to the constructor would make a second signal that follows ours, for every call; few handlers look.
  Object.defineProperty(request, 'signal', { get: () => call.signal });
  return request;
}

function urlFrom(target: string, host: string, name: string): string {
  const url = `http://${host}${target}`;
  return URL.canParse(url) ? url : `http://${name}${target.startsWith('/') ? target : '/'}`;
}

function contextFrom(call: Call): FetchContext {
  return {
    callId: call.request.callId,
    deadline: call.deadline,
    get signal() {
      return call.signal;
    },
  };
}

/** By shape: a function may bring a Response class of its own. */
function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value && 'body' in value;
}

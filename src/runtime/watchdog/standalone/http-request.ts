import type { IncomingMessage } from 'node:http';
import type { RequestHead } from '../../../frame/head-text.ts';
import { parseDurationMs } from '../../../model/duration.ts';

/** A request as modes take it, and what the server itself wants to know of it. */
export interface ReadRequest {
  readonly head: RequestHead;
  readonly hasBody: boolean;
  readonly userAgent: string;
  /** `X-Timeout`, in milliseconds; undefined without one that can be read. */
  readonly timeoutMs: number | undefined;
}

/** What goes into a log line: nothing that could end it. */
const callIdText = /^[\x21-\x7e]{1,128}$/;

/** In one pass over the raw headers: this is the hot path. */
export function readRequest(request: IncomingMessage): ReadRequest {
  const raw = request.rawHeaders;
  const fields: string[] = [];
  let contentLength: number | undefined = 0;
  let [userAgent, callId, timeout] = ['', '', ''];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    switch (name.length) {
      case 9:
        if (name.toLowerCase() === 'x-call-id') callId = value;
        else if (name.toLowerCase() === 'x-timeout') timeout = value;
        break;
      case 10:
        if (name.toLowerCase() === 'user-agent') userAgent = value;
        break;
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        contentLength = Number(value);
        continue;
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break;
        contentLength = undefined;
        continue;
      default:
    }
    fields.push(name, value);
  }
  const { method = 'GET', url = '/' } = request;
  return {
    head: {
      method,
      target: url,
      callId: callIdText.test(callId) ? callId : 'none',
      remainingMs: 0,
      contentLength,
      fields,
    },
    hasBody: contentLength !== 0,
    userAgent,
    timeoutMs: timeout === '' ? undefined : parseTimeout(timeout),
  };
}

/** A Go duration with its unit; anything else is as if it were not there. */
function parseTimeout(text: string): number | undefined {
  try {
    const ms = /[a-zµ]$/.test(text) ? parseDurationMs(text) : 0;
    return ms > 0 ? ms : undefined;
  } catch {
    return undefined;
  }
}

import type { IncomingMessage } from 'node:http';
import { isHopByHop, nominatedHeaders, same } from '../model/hop-by-hop.ts';
import { isCallId } from './call-ids.ts';

/** What {@link readRequestHead} needs of the gateway. */
export interface RequestHeadContext {
  readonly newCallId: () => string;
  /** Whether an Authorization value is the platform's own credential, which no function may see. */
  readonly isPlatformCredential: (authorization: string) => boolean;
}

/**
 * Passes on all but hop-by-hop headers, those nominated by `Connection`, `Expect` (answered here), Content-Length (it
 * belongs to the body) and the platform's own credential; cookies and any other Authorization pass. Adds X-Call-Id (the
 * client's when it is usable), X-Start-Time, and X-Forwarded-Host, -For and -Proto where the client sent none.
 */
export function readRequestHead(request: IncomingMessage, context: RequestHeadContext): RequestHead {
  const raw = request.rawHeaders;
  const nominated = nominatedHeaders(raw);
  const head = new RequestHead();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    if (nominated?.has(name.toLowerCase()) === true) continue;
    head.take(name, raw[index + 1] as string, context);
  }
  head.finish(request, context);
  return head;
}

/** What the gateway makes of a request's headers, in one pass over them as they were sent. */
export class RequestHead {
  /** For the function: end-to-end headers and the gateway's own. */
  readonly headers: string[] = [];
  callId = '';
  /** Unix time in nanoseconds. */
  startTime = '';
  /** Announced length of the body; undefined when it is chunked, 0 when there is none. */
  contentLength: number | undefined = 0;
  /** Whether trailer fields are announced. */
  trailers = false;
  #host = '';
  #forwarded = 0;

  take(name: string, value: string, context: RequestHeadContext): void {
    if (this.#isOurs(name, value, context)) return;
    if (isHopByHop(name)) this.#takeFraming(name);
    else this.headers.push(name, value);
  }

  finish(request: IncomingMessage, context: RequestHeadContext): void {
    if (this.callId === '') this.callId = context.newCallId();
    this.startTime = `${Date.now()}000000`;
    const { headers } = this;
    headers.push('X-Call-Id', this.callId, 'X-Start-Time', this.startTime);
    if ((this.#forwarded & 1) === 0) headers.push('X-Forwarded-Host', this.#host);
    if ((this.#forwarded & 2) === 0) headers.push('X-Forwarded-For', remoteAddress(request));
    if ((this.#forwarded & 4) === 0) headers.push('X-Forwarded-Proto', 'http');
  }

  /** Headers the gateway looks at; true: it is not passed on. */
  #isOurs(name: string, value: string, context: RequestHeadContext): boolean {
    switch (name.length) {
      case 4:
        if (same(name, 'host')) this.#host = value;
        return false;
      case 6:
        return same(name, 'expect');
      case 9:
        if (!same(name, 'x-call-id')) return false;
        if (isCallId(value)) this.callId = value;
        return true;
      case 12:
        return same(name, 'x-start-time');
      case 13:
        return same(name, 'authorization') && context.isPlatformCredential(value);
      case 14:
        if (!same(name, 'content-length')) return false;
        this.contentLength = Number(value);
        return true;
      default:
        this.#noteForwarded(name);
        return false;
    }
  }

  #noteForwarded(name: string): void {
    if (name.length === 16 && same(name, 'x-forwarded-host')) this.#forwarded |= 1;
    else if (name.length === 15 && same(name, 'x-forwarded-for')) this.#forwarded |= 2;
    else if (name.length === 17 && same(name, 'x-forwarded-proto')) this.#forwarded |= 4;
  }

  #takeFraming(name: string): void {
    if (name.length === 17) this.contentLength = undefined;
    else if (name.length === 7 && same(name, 'trailer')) this.trailers = true;
  }
}

const addressOf = Symbol('remote address');

/** `host:port` of the client; asked of the system once per connection. */
function remoteAddress(request: IncomingMessage): string {
  const socket = request.socket as typeof request.socket & { [addressOf]?: string };
  socket[addressOf] ??= `${bracketed(socket.remoteAddress ?? '')}:${socket.remotePort ?? 0}`;
  return socket[addressOf];
}

function bracketed(address: string): string {
  if (address.startsWith('::ffff:')) return address.slice(7);
  return address.includes(':') ? `[${address}]` : address;
}

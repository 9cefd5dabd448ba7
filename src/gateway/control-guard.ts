import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { checkOrigin } from '../auth/origin.ts';

/** What stands between the world and the control plane. */
export interface ControlGuardOptions {
  readonly control: RequestListener;
  /** Whether an Authorization header holds the platform's credentials. */
  readonly check: (authorization: string | undefined) => boolean;
  /** Origins whose pages may call; usually the portal's. */
  readonly trustedOrigins: readonly string[];
}

/** All that may be asked for without credentials: these paths exactly as written, by GET and HEAD. */
export const publicPaths: readonly string[] = ['/healthz', '/'];

/**
 * Lets a request through to the control plane when it stands on the public list, or has credentials and does not come
 * from a page of another site. Judged on the URL as it was sent: whatever a router later makes of encoded, doubled or
 * dotted paths needs credentials.
 */
export function createControlGuard(options: ControlGuardOptions): RequestListener {
  return (request, response) => {
    if (isPublic(request)) options.control(request, response);
    else if (!options.check(request.headers.authorization)) refuseUnauthenticated(response);
    else if (!checkOrigin(request.headers, { trusted: options.trustedOrigins })) refuseForeign(response);
    else options.control(request, response);
  };
}

function isPublic(request: IncomingMessage): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const url = request.url ?? '';
  const query = url.indexOf('?');
  return publicPaths.includes(query < 0 ? url : url.slice(0, query));
}

function refuseUnauthenticated(response: ServerResponse): void {
  response.setHeader('WWW-Authenticate', 'Basic realm="Restricted"');
  refuse(response, 401, 'invalid credentials');
}

function refuseForeign(response: ServerResponse): void {
  refuse(response, 403, 'requests from pages of other sites are refused\n');
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': text.length });
  response.end(text);
}

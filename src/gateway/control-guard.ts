import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { checkOrigin } from '../auth/origin.ts';

/** What stands between the world and the control plane. */
export interface ControlGuardOptions {
  readonly control: RequestListener;
  /** Whether an Authorization header holds the platform's credentials. */
  readonly check: (authorization: string | undefined) => boolean;
  /** Origins whose pages may call; usually the portal's. */
  readonly trustedOrigins: readonly string[];
  /** Where people are sent who open this address in a browser; without it the control plane answers them. */
  readonly portalUrl: string | undefined;
}

/** All that may be asked for without credentials: these paths exactly as written, by GET and HEAD. */
export const publicPaths: readonly string[] = ['/healthz', '/', '/store.json', '/publickey', '/openapi.json'];

/**
 * What a signature may stand in for the credentials of: by POST, at these paths exactly as written. The control plane
 * judges every request that has one, so that its presence is all that is looked at here.
 */
export const signedPaths: readonly string[] = ['/build'];

/** Paths that lead on to the portal, which has an origin of its own and asks for the password itself. */
const portalPaths: readonly string[] = ['/', '/ui', '/ui/'];

/**
 * Lets a request through to the control plane when it stands on the public list, or has credentials and does not come
 * from a page of another site. Judged on the URL as it was sent: whatever a router later makes of encoded, doubled or
 * dotted paths needs credentials.
 */
export function createControlGuard(options: ControlGuardOptions): RequestListener {
  const { portalUrl } = options;
  return (request, response) => {
    if (portalUrl !== undefined && isReadOf(request, portalPaths)) redirect(response, portalUrl);
    else if (isReadOf(request, publicPaths)) options.control(request, response);
    else if (isSigned(request)) options.control(request, response);
    else if (!options.check(request.headers.authorization)) refuseUnauthenticated(response);
    else if (!checkOrigin(request.headers, { trusted: options.trustedOrigins })) refuseForeign(response);
    else options.control(request, response);
  };
}

function isReadOf(request: IncomingMessage, paths: readonly string[]): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  return paths.includes(pathOf(request.url ?? ''));
}

function isSigned(request: IncomingMessage): boolean {
  return (
    request.method === 'POST' &&
    request.headers['x-build-signature'] !== undefined &&
    signedPaths.includes(pathOf(request.url ?? ''))
  );
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(307, { Location: location, 'Content-Length': 0 }).end();
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

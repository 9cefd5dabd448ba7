/** The request headers that tell where a browser's request comes from; names in lower case, as node:http has them. */
export interface OriginHeaders {
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

export interface OriginOptions {
  /** Origins whose pages may call, for example the portal's `http://127.0.0.1:8083`. Default none. */
  readonly trusted?: readonly string[];
  /**
   * Whether pages of the very same origin may call; default no, because the origin of the API also serves functions,
   * and those are untrusted pages. The portal's own listener says yes.
   */
  readonly sameOrigin?: boolean;
}

/**
 * Whether a request to `/system/*` may pass as far as its origin goes. A browser sends stored Basic credentials with
 * any page's request, so a page must not be able to make one. Programs send neither header and pass; so does an
 * address typed by a person (`Sec-Fetch-Site: none`). https://www.w3.org/TR/fetch-metadata/
 */
export function checkOrigin(headers: OriginHeaders, options: OriginOptions = {}): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (origin !== undefined && (options.trusted ?? []).includes(origin)) return true;
  if (site === 'same-origin') return options.sameOrigin === true;
  if (site === 'none') return origin === undefined;
  return site === undefined && origin === undefined;
}

import { defaultNamespace, type FunctionKey } from '../model/names.ts';

/** Where a data-plane URL leads. */
export interface DataPath {
  readonly key: FunctionKey;
  /** What the function sees: the rest of the path and the query, unchanged, beginning with `/`. */
  readonly target: string;
}

const prefix = '/function/';
const asyncPrefix = '/async-function/';
/** Scheme and authority of an absolute-form request target (RFC 9112, section 3.2.2). */
const absoluteForm = /^https?:\/\/[^/?#]*/i;

/** The origin-form of a request target: what node:http calls `url`, without the scheme and host some clients send. */
export function originForm(url: string): string {
  if (url.charCodeAt(0) === 47) return url;
  const rest = url.replace(absoluteForm, '');
  return rest === '' || rest === url ? url : rest;
}

/**
 * Splits `/function/NAME[.NAMESPACE][/path][?query]`; undefined when the URL is not of the data plane. Nothing is
 * decoded or normalised: a name that only looks right after decoding belongs to no function, and dots in the rest are
 * the function's business. The namespace stands after the last dot.
 */
export function parseDataPath(url: string): DataPath | undefined {
  return url.startsWith(prefix) ? parseAfter(prefix, url) : undefined;
}

/** The same of `/async-function/NAME[.NAMESPACE][/path][?query]`. */
export function parseAsyncPath(url: string): DataPath | undefined {
  return url.startsWith(asyncPrefix) ? parseAfter(asyncPrefix, url) : undefined;
}

function parseAfter(start: string, url: string): DataPath {
  let end = start.length;
  let dotted = false;
  for (; end < url.length; end += 1) {
    const code = url.charCodeAt(end);
    if (code === 47 || code === 63) break;
    if (code === 46) dotted = true;
  }
  const segment = url.slice(start.length, end);
  const key = (dotted ? segment : `${segment}.${defaultNamespace}`) as FunctionKey;
  if (end === url.length) return { key, target: '/' };
  return { key, target: url.charCodeAt(end) === 63 ? `/${url.slice(end)}` : url.slice(end) };
}

/** What stands after `/async-function/`, up to the next slash or the query: the id of a call that is to be cancelled. */
export function asyncSegment(url: string): string {
  const [segment = ''] = url.slice(asyncPrefix.length).split(/[/?]/, 1);
  return segment;
}

import { createPatientFetch, type HttpReply } from '../client/fetch.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Shell } from './terminal/shell.ts';

/** What is read from an address, and how much of it. */
export interface Download {
  /** As it is called in messages, with its address. */
  readonly what: string;
  /** Longest wait for all of it; default 60 s. */
  readonly timeoutMs?: number;
  readonly maxBytes: number;
  /** For an address that cannot be reached. */
  readonly hint?: string;
}

const usualTimeoutMs = 60_000;
const maxRedirects = 5;

/** Whether a text that names a file names one on another machine. */
export function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/**
 * Reads a text by http or https. Five redirects are followed, and none that leads anywhere else or from https back to
 * http. Rejects with `unavailable` when it cannot be had, `too-large`, or `invalid` for where it leads.
 */
export async function downloadText(
  shell: Pick<Shell, 'signal'>,
  address: string,
  { what, timeoutMs = usualTimeoutMs, maxBytes, hint }: Download,
): Promise<string> {
  const signal = AbortSignal.any([shell.signal, AbortSignal.timeout(timeoutMs)]);
  const fetch = createPatientFetch({ anyCertificate: false });
  let { url, headers } = separateUserInfo(address);
  try {
    for (let redirects = 0; ; redirects += 1) {
      const reply = await fetch(url.href, { method: 'GET', headers, redirect: 'manual', signal });
      const next = redirectOf(reply, url, what);
      if (next === undefined) return await readText(reply, what, maxBytes);
      if (redirects === maxRedirects) {
        throw new TinderboxError('unavailable', `${what} redirects more than ${maxRedirects} times`);
      }
      if (next.origin !== url.origin) headers = {};
      url = next;
    }
  } catch (reason) {
    if (reason instanceof TinderboxError || shell.signal.aborted) throw reason;
    const { cause } = reason as { readonly cause?: { readonly message?: string } };
    const why = signal.aborted ? `not within ${timeoutMs / 1000} s` : (cause?.message ?? (reason as Error).message);
    throw new TinderboxError('unavailable', `${what} cannot be reached: ${why}`, {
      ...(hint === undefined ? {} : { hint }),
      cause: reason,
    });
  }
}

/** User and password of an address are for its server alone, and go where they belong. */
function separateUserInfo(address: string): { url: URL; headers: Record<string, string> } {
  const url = new URL(address);
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  url.username = '';
  url.password = '';
  if (user === '' && password === '') return { url, headers: {} };
  return { url, headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } };
}

function redirectOf(reply: HttpReply, from: URL, what: string): URL | undefined {
  const location = reply.status >= 300 && reply.status < 400 ? reply.headers.get('location') : null;
  if (location === null) return undefined;
  const to = URL.parse(location, from);
  const downgraded = from.protocol === 'https:' && to?.protocol !== 'https:';
  if (to !== null && /^https?:$/.test(to.protocol) && !downgraded) return to;
  throw new TinderboxError(
    'invalid',
    `${what} redirects from ${from.protocol}// to ${location}, which is not followed`,
  );
}

async function readText(reply: HttpReply, what: string, maxBytes: number): Promise<string> {
  if (reply.status !== 200) throw new TinderboxError('unavailable', `${what} answered ${reply.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new TinderboxError('too-large', `${what} has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

import { type ErrorCode, errorCodes, TinderboxError } from '../model/errors.ts';
import type { HttpReply } from './fetch.ts';
import { readBeginning } from './read-reply.ts';

/**
 * The boundary where foreign failures become ours: an HTTP answer outside 2xx, and a request that never got one.
 * Plain text is what OpenFaaS's routes answer with, problem+json what all others do.
 */

interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly title?: unknown;
  readonly hint?: unknown;
}

/** Enough for a reason with the last lines of a log; what else answers may send without end. */
const maxErrorBytes = 64 * 1024;

/** The error an answer outside 2xx stands for; reads its body. */
export async function errorFromReply(reply: HttpReply, gateway: string): Promise<TinderboxError> {
  const text = (await readBeginning(reply, maxErrorBytes).catch(() => ({ text: '' }))).text.trim();
  const problem = isJson(reply) ? parseProblem(text) : {};
  const code = codeOf(problem.code, reply.status);
  const message = asText(problem.detail) ?? asText(problem.title) ?? (text || noReason(reply));
  const hint = asText(problem.hint) ?? hintFor(code, gateway);
  const retryAfterMs = Number(reply.headers.get('retry-after') ?? Number.NaN) * 1000;
  return new TinderboxError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(Number.isFinite(retryAfterMs) ? { retryAfterMs } : {}),
  });
}

/** The error of a request that got no answer, or whose answer broke off. */
export function errorFromNetwork(reason: unknown, gateway: string): TinderboxError {
  if (reason instanceof TinderboxError) return reason;
  if (nameOf(reason) === 'TimeoutError') {
    return new TinderboxError('deadline', `${gateway} did not answer in time`, { cause: reason });
  }
  if (nameOf(reason) === 'AbortError') return TinderboxError.from(reason);
  const code = systemCode(reason);
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    return new TinderboxError('unavailable', `nothing listens at ${gateway}`, {
      hint: 'is the platform running? start it with: tinderbox up; where it listens elsewhere, give --gateway or OPENFAAS_URL',
      cause: reason,
    });
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new TinderboxError('unavailable', `the host of ${gateway} is not known`, {
      hint: 'check the gateway: --gateway, provider.gateway in stack.yaml, or OPENFAAS_URL',
      cause: reason,
    });
  }
  // By its text: what fetch refuses before it connects has no code.
  if (describe(reason) === 'bad port') {
    const message = `no request goes to the port of ${gateway}: HTTP clients that follow the web's rules leave it alone`;
    const hint = 'give the platform another port (WHATWG Fetch, "port blocking", lists those that are left alone)';
    return new TinderboxError('invalid', message, { hint, cause: reason });
  }
  return (
    errorFromTls(code, reason, gateway) ??
    new TinderboxError('lost', `the connection to ${gateway} was lost: ${describe(reason)}`, { cause: reason })
  );
}

/** Codes of OpenSSL's verification, and of Node's own for a name that is not the certificate's. */
const untrusted =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_|UNABLE_TO_(GET|VERIFY)_|INVALID_(CA|PURPOSE)|ERR_TLS_CERT_)/;

/** What fails before HTTP begins; the same fails again. */
function errorFromTls(code: string | undefined, cause: unknown, gateway: string): TinderboxError | undefined {
  if (code?.startsWith('ERR_SSL_') === true) {
    const hint = gateway.startsWith('https:') ? { hint: `is it ${gateway.replace('https:', 'http:')}?` } : {};
    return new TinderboxError('bad-reply', `${gateway} does not speak TLS as expected (${code})`, { ...hint, cause });
  }
  if (code === undefined || !untrusted.test(code)) return undefined;
  // Behind the semicolon Node speaks of its own flags.
  const why = describe(cause).split(';')[0]?.trim();
  return new TinderboxError('bad-reply', `the certificate of ${gateway} is not trusted: ${why}`, {
    hint: 'name the file of its authority in NODE_EXTRA_CA_CERTS, or take any certificate with --tls-no-verify',
    cause,
  });
}

function noReason({ status, headers }: HttpReply): string {
  const location = status >= 300 && status < 400 ? headers.get('location') : null;
  return `the platform answered ${status}${location === null ? '' : `, which leads to ${location} and is not followed`}`;
}

function hintFor(code: ErrorCode, gateway: string): string | undefined {
  return code === 'unauthenticated' ? `log in first: tinderbox login --gateway ${gateway}` : undefined;
}

function isJson(reply: HttpReply): boolean {
  return /^application\/(problem\+)?json\b/i.test(reply.headers.get('content-type') ?? '');
}

function parseProblem(text: string): Problem {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function codeOf(given: unknown, status: number): ErrorCode {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  return codes.find((code) => code === given) ?? codes.find((code) => errorCodes[code].status === status) ?? 'internal';
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function nameOf(reason: unknown): string {
  return reason instanceof Error ? reason.name : '';
}

/** fetch wraps the system's error, and happy eyeballs wraps several in one. */
function systemCode(reason: unknown): string | undefined {
  if (!(reason instanceof Error)) return undefined;
  const code = (reason as NodeJS.ErrnoException).code;
  if (typeof code === 'string' && /^[A-Z_]+$/.test(code) && !code.startsWith('UND_')) return code;
  if (reason instanceof AggregateError) return systemCode(reason.errors[0]);
  return systemCode(reason.cause);
}

function describe(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  return reason.cause instanceof Error && reason.cause.message !== '' ? reason.cause.message : reason.message;
}

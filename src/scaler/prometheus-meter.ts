import { TinderboxError } from '../model/errors.ts';

const timeoutMs = 5_000;
const mostBytes = 256 * 1024;

/**
 * Asks a Prometheus (HTTP API v1, `/api/v1/query`) for one number: a scalar, or the sum of a vector. Takes at most 5 s and
 * 256 KiB. Rejects with `unavailable`, saying what was wrong: no answer, an error, no series, or not a number.
 */
export async function queryPrometheus(baseUrl: string, query: string): Promise<number> {
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}/api/v1/query`);
  let text: string;
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ query }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await readBounded(response);
  } catch (reason) {
    if (reason instanceof TinderboxError) throw reason;
    throw unavailable(url, reason instanceof Error ? describe(reason) : String(reason));
  }
  return numberFrom(url, text);
}

/** What fetch throws says no more than that it failed; its cause says why. */
function describe({ message, name, cause }: Error): string {
  if (name === 'TimeoutError') return `did not answer within ${timeoutMs} ms`;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > mostBytes) throw unavailable(new URL(response.url), `answers with more than ${mostBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

interface QueryAnswer {
  readonly status?: string;
  readonly error?: string;
  readonly data?: { readonly resultType?: string; readonly result?: unknown };
}

function numberFrom(url: URL, text: string): number {
  let answer: QueryAnswer;
  try {
    answer = JSON.parse(text) as QueryAnswer;
  } catch {
    throw unavailable(url, 'answers no JSON');
  }
  if (answer?.status !== 'success') throw unavailable(url, `answers: ${answer?.error ?? 'no success'}`);
  const { resultType, result } = answer.data ?? {};
  const samples = resultType === 'scalar' ? [result] : valuesOf(result);
  if (samples.length === 0) throw unavailable(url, 'finds no series for the query');
  const sum = samples.reduce<number>((total, sample) => total + Number((sample as readonly unknown[])?.[1]), 0);
  if (Number.isFinite(sum) && sum >= 0) return sum;
  throw unavailable(url, `answers ${sum}, not a number from 0`);
}

function valuesOf(result: unknown): readonly unknown[] {
  return Array.isArray(result) ? result.map((series: { readonly value?: unknown }) => series?.value) : [];
}

function unavailable(url: URL, why: string): TinderboxError {
  return new TinderboxError('unavailable', `Prometheus at ${url.origin} ${why}`);
}

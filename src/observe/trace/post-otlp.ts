import type { RequestOptions } from 'node:http';
import { Agent, request as httpRequest } from '../../model/node-http.ts';

/** How a collector took a batch: `again`: it may take it later; `refused`: never. */
export interface OtlpAnswer {
  readonly outcome: 'taken' | 'again' | 'refused';
  /** Spans of a batch it took that it did not want. */
  readonly rejected: number;
  /** What went wrong, in words. */
  readonly reason: string;
}

/** Sends the body of a batch; never rejects. */
export type PostOtlp = (body: string, signal: AbortSignal) => Promise<OtlpAnswer>;

export interface OtlpTarget {
  /** The whole address, `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest one attempt may take, default 10 s as OpenTelemetry's. */
  readonly timeoutMs?: number;
}

/** Those that OTLP says may be tried again (its specification, "OTLP/HTTP Response"). */
const retried = new Set([429, 502, 503, 504]);
const answerBytes = 64 * 1024;

/** OTLP over HTTP in its JSON form, on one connection that is kept. */
export function createPostOtlp({ url, headers, timeoutMs = 10_000 }: OtlpTarget): PostOtlp {
  const target = new URL(url);
  const agents: { http?: Agent } = {};
  return async (body, signal) => {
    const send = target.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
    const options: RequestOptions = {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    };
    if (target.protocol === 'http:') options.agent = agents.http ??= new Agent({ keepAlive: true, maxSockets: 1 });
    return await new Promise((resolve) => {
      const request = send(target, options, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes <= answerBytes) chunks.push(chunk);
        });
        response.once('close', () => resolve(judge(response.statusCode ?? 0, Buffer.concat(chunks).toString())));
      });
      request.once('error', ({ message }) => resolve({ outcome: 'again', rejected: 0, reason: message }));
      request.end(body);
    });
  };
}

function judge(status: number, text: string): OtlpAnswer {
  if (status >= 200 && status < 300) return { outcome: 'taken', rejected: rejectedIn(text), reason: '' };
  const reason = `it answered ${status} ${text.slice(0, 200)}`.trim();
  return { outcome: retried.has(status) ? 'again' : 'refused', rejected: 0, reason };
}

function rejectedIn(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: string | number } };
    return Number(partialSuccess?.rejectedSpans ?? 0) || 0;
  } catch {
    return 0;
  }
}

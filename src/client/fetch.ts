import type { Readable } from 'node:stream';

export interface HttpRequest {
  readonly method: string;
  readonly headers: Record<string, string> | [string, string][];
  readonly body?: string | Buffer | Readable;
  /** Required by the fetch standard for a streamed body. */
  readonly duplex?: 'half';
  readonly redirect: 'manual';
  readonly signal?: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: { get(name: string): string | null } & Iterable<[string, string]>;
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

/** The part of the fetch standard the client stands on; a browser's, Node's and undici's all fit. */
export type Fetch = (url: string, request: HttpRequest) => Promise<HttpReply>;

/**
 * undici's fetch without its 300 s limits on waiting for headers and between two chunks: a call may last a day and a
 * followed log may be silent. Loaded at the first request, because the import costs more than most commands.
 */
export function createPatientFetch(options: { readonly anyCertificate: boolean }): Fetch {
  let loading: Promise<Fetch> | undefined;
  return async (url, request) => {
    loading ??= loadUndici(options.anyCertificate);
    return (await loading)(url, request);
  };
}

async function loadUndici(anyCertificate: boolean): Promise<Fetch> {
  const { Agent, fetch } = await import('undici');
  const dispatcher = new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { rejectUnauthorized: !anyCertificate },
  });
  return (url, request) => fetch(url, { ...request, dispatcher });
}

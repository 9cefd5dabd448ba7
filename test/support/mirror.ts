import type { IncomingMessage, ServerResponse } from 'node:http';

/** A function that answers what it was asked, as JSON. */
export function mirror(request: IncomingMessage, response: ServerResponse): void {
  const { method, url, rawHeaders } = request;
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ method, url, rawHeaders }));
}

export interface Mirrored {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: string[];
}

/** The first value of a header, by its lower-case name. */
export function valueOf(raw: readonly string[], name: string): string | undefined {
  const index = raw.findIndex((part, at) => at % 2 === 0 && part.toLowerCase() === name);
  return index < 0 ? undefined : raw[index + 1];
}

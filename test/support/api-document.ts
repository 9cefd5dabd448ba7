import assert from 'node:assert/strict';
import { z } from 'zod';
import type { TestPlatform } from './platform.ts';

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

type Paths = Readonly<
  Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>>
>;

/** A request that must be answered as the document says. */
export interface DocumentedCall {
  /** `METHOD /path/{parameter}` as it stands in the document. */
  readonly operation: string;
  /** The path with its parameters and query, where there are any. */
  readonly path?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
}

/** The document of a running platform, and which of its answers were seen. */
export class ApiDocument {
  readonly #paths: Paths;
  readonly #platform: TestPlatform;
  readonly #unseen: Set<string>;

  constructor(platform: TestPlatform, document: { readonly paths: Paths }) {
    this.#platform = platform;
    this.#paths = document.paths;
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { responses }]) =>
        Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`),
      ),
    );
    this.#unseen = new Set(all);
  }

  static async read(platform: TestPlatform): Promise<ApiDocument> {
    const answer = await fetch(`${platform.url}/openapi.json`);
    return new ApiDocument(platform, (await answer.json()) as { paths: Paths });
  }

  /** Answers of the document nobody asked for yet. */
  get unseen(): readonly string[] {
    return [...this.#unseen];
  }

  /** Holds an answer that was got in another way to the document; an empty text is no body. */
  saw(operation: string, status: number, text: string): void {
    const [method = '', path = ''] = operation.split(' ');
    const response = this.#paths[path]?.[method.toLowerCase()]?.responses[String(status)];
    assert.ok(response !== undefined, `${operation} ${status} is not in the document: ${text}`);
    assertContent(`${operation} ${status}`, response, text === '' ? '' : 'text/plain', text);
    this.#unseen.delete(`${operation} ${status}`);
  }

  /** Sends it and holds status, content type and body to the document; resolves with the body. */
  async call({ operation, path, body, headers, status }: DocumentedCall): Promise<string> {
    const [method = '', template = ''] = operation.split(' ');
    const sent = body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body);
    const init = { method, ...(sent === undefined ? {} : { body: sent as Uint8Array<ArrayBuffer> | string }) };
    const answer = await this.#platform.fetch(path ?? template, { ...init, headers: { ...headers } });
    const text = await answer.text();
    const what = `${operation} ${path ?? ''} ${answer.status}`;
    assert.equal(answer.status, status, `${what}: ${text.slice(0, 500)}`);
    const response = this.#paths[template]?.[method.toLowerCase()]?.responses[String(status)];
    assert.ok(response !== undefined, `${what} is not in the document`);
    assertContent(what, response, answer.headers.get('content-type') ?? '', text);
    this.#unseen.delete(`${operation} ${status}`);
    return text;
  }
}

function assertContent(what: string, { content }: Response, header: string, text: string): void {
  if (content === undefined) return assert.equal(text, '', `${what} has a body`);
  const [type = ''] = header.split(';');
  const found = content[type] ?? content['*/*'];
  assert.ok(found !== undefined, `${what}: "${type}" is not in the document`);
  if (type === 'text/plain' && content[type] !== undefined) assert.notEqual(text.trim(), '', `${what} says nothing`);
  if (found.schema === undefined || type === 'text/plain') return;
  const schema = z.fromJSONSchema(found.schema as Parameters<typeof z.fromJSONSchema>[0]);
  const values = type === 'application/x-ndjson' ? text.trim().split('\n').filter(Boolean) : [text];
  for (const value of values) {
    const parsed = schema.safeParse(JSON.parse(value));
    assert.ok(parsed.success, `${what}: ${parsed.error?.message ?? ''}\n${value.slice(0, 500)}`);
  }
}

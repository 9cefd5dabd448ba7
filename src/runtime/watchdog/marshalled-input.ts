import type { RequestHead } from '../../frame/head-text.ts';

/**
 * The input of a function with `marshal_request`: `{"header": {"Name": ["value", …]}, "body": {"raw": "<base64>"}}`,
 * made as the body comes, so that no more than two bytes of it wait here.
 */
export class MarshalledInput {
  #rest: Buffer = Buffer.alloc(0);

  /** What comes before the body. */
  begin({ fields, contentLength }: RequestHead): Buffer {
    const length = contentLength === undefined || contentLength === 0 ? [] : ['Content-Length', String(contentLength)];
    return Buffer.from(`{"header":${JSON.stringify(headerOf([...fields, ...length]))},"body":{"raw":"`);
  }

  /** What a part of the body becomes. */
  data(bytes: Buffer): Buffer {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = all.length - (all.length % 3);
    this.#rest = Buffer.from(all.subarray(whole));
    return Buffer.from(all.toString('base64', 0, whole));
  }

  /** What comes after it. */
  end(): Buffer {
    return Buffer.from(`${this.#rest.toString('base64')}"}}`);
  }
}

/** Names as Go writes them, which is what functions look for; `Host` is not among them there. */
function headerOf(fields: readonly string[]): Record<string, string[]> {
  const header = new Map<string, string[]>();
  for (let at = 0; at < fields.length; at += 2) {
    const name = canonicalName(fields[at] ?? '');
    if (name === 'Host') continue;
    const values = header.get(name) ?? [];
    values.push(Buffer.from(fields[at + 1] ?? '', 'latin1').toString());
    header.set(name, values);
  }
  return Object.fromEntries(header);
}

function canonicalName(name: string): string {
  return name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join('-');
}

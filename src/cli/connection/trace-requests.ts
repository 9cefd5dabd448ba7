import { createPatientFetch, type Fetch, type HttpRequest } from '../../client/fetch.ts';
import type { Shell } from '../terminal/shell.ts';

const sensitiveHeader = /^cookie$|authorization|token|secret|password|signature|api-?key/i;
const sensitiveField = /^(value|rawValue|registryAuth)$|token|secret$|password/i;
const hidden = 'REDACTED';
const mostBodyChars = 64 * 1024;

/**
 * How commands reach a platform. With `FAAS_DEBUG=1` each request is told on stderr, with `OPENFAAS_DUMP_HTTP=true` as it
 * goes over the wire; what proves who somebody is, and values of secrets, are left out in both.
 */
export function tracingFetch(
  shell: Pick<Shell, 'env' | 'stderr'>,
  options: { readonly anyCertificate: boolean },
): Fetch {
  const fetch = createPatientFetch(options);
  const tells = isDebugging(shell);
  const dumps = shell.env['OPENFAAS_DUMP_HTTP'] === 'true';
  if (!tells && !dumps) return fetch;
  return (url, request) => {
    if (tells) shell.stderr.write(formatRequest(`${request.method} ${url}`, request));
    if (dumps) {
      const { host, pathname, search } = new URL(url);
      shell.stderr.write(
        formatRequest(`${request.method} ${pathname}${search} HTTP/1.1\nHost: ${host}`, request, '\n'),
      );
    }
    return fetch(url, request);
  };
}

/** Whether a command is to tell what it does on the way. */
export function isDebugging(shell: Pick<Shell, 'env'>): boolean {
  return shell.env['FAAS_DEBUG'] === '1';
}

/** An address or command line without the user and password in its addresses. */
export function withoutUserInfo(text: string): string {
  return text.replace(/(\b[a-z][a-z+.-]*:\/\/)[^/@\s]+@/gi, `$1${hidden}@`);
}

function formatRequest(start: string, { headers, body }: HttpRequest, beforeBody = ''): string {
  const fields = Array.isArray(headers) ? headers : Object.entries(headers);
  const lines = fields.map(([name, value]) => `${name}: ${shownHeader(name, value)}\n`).join('');
  const text = shownBody(body);
  return `${start}\n${lines}${beforeBody}${text === '' ? '' : `${text}\n`}`;
}

/** The scheme of a credential is worth knowing, and no secret. */
function shownHeader(name: string, value: string): string {
  if (!sensitiveHeader.test(name)) return withoutUserInfo(value);
  const scheme = /^(Basic|Bearer) /.exec(value)?.[0] ?? '';
  return scheme + hidden;
}

function shownBody(body: HttpRequest['body']): string {
  if (body === undefined) return '';
  if (typeof body === 'string') return withoutSecrets(body);
  if (!Buffer.isBuffer(body)) return '<stream>';
  const text = body.toString('utf8');
  const isText = text.length <= mostBodyChars && !/[\0\ufffd]/.test(text);
  return isText ? text : `<${body.length} bytes>`;
}

function withoutSecrets(json: string): string {
  return JSON.stringify(JSON.parse(json), (key, value: unknown) => (sensitiveField.test(key) ? hidden : value));
}

import { TinderboxError } from './errors.ts';
import { shorten } from './shorten.ts';

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const secretName = /^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const maxNameLength = 63;

/** Namespace of a function whose caller names none, as in OpenFaaS. */
export const defaultNamespace = 'openfaas-fn';

/** Throws `invalid` unless `value` is a DNS label of at most 63 characters (RFC 1123), the rule of OpenFaaS. */
export function assertName(what: 'function' | 'namespace' | 'trigger', value: string): void {
  if (value.length > maxNameLength) {
    throw new TinderboxError(
      'invalid',
      `${what} name "${shorten(value)}" has ${value.length} characters, the limit is ${maxNameLength}`,
    );
  }
  if (!dnsLabel.test(value)) {
    throw new TinderboxError(
      'invalid',
      `${what} name "${shorten(value)}" is not valid: it must match ${dnsLabel.source}`,
    );
  }
}

/** Throws `invalid` unless `value` can be the file name of a secret: letters, digits, `-`, `_`, `.`, at most 253. */
export function assertSecretName(value: string): void {
  if (value.length > 253 || !secretName.test(value)) {
    throw new TinderboxError(
      'invalid',
      `secret name "${shorten(value)}" is not valid: it must match ${secretName.source} and have at most 253 characters`,
    );
  }
}

/** `name.namespace`: how a function is addressed on the data plane and in metric labels. */
export type FunctionKey = `${string}.${string}`;

export function formatFunctionKey(namespace: string, name: string): FunctionKey {
  return `${name}.${namespace}`;
}

/** Splits on the last dot; without a dot the default namespace is meant. Names are not validated here. */
export function parseFunctionKey(text: string): { namespace: string; name: string } {
  const dot = text.lastIndexOf('.');
  if (dot < 0) return { namespace: defaultNamespace, name: text };
  return { namespace: text.slice(dot + 1), name: text.slice(0, dot) };
}

/** `namespace/name-00003`: one immutable snapshot of a function; numbers start at 1 and are never used again. */
export type RevisionId = `${string}/${string}-${string}`;

export function formatRevisionId(namespace: string, name: string, number: number): RevisionId {
  return `${namespace}/${name}-${String(number).padStart(5, '0')}`;
}

/** The inverse of {@link formatRevisionId}. Throws `invalid` for anything else. */
export function parseRevisionId(id: string): { namespace: string; name: string; number: number } {
  const match = /^([^/]+)\/(.+)-(\d{5,})$/.exec(id);
  if (match === null)
    throw new TinderboxError('invalid', `revision id "${shorten(id)}" is not of the form namespace/name-00001`);
  return { namespace: match[1] ?? '', name: match[2] ?? '', number: Number(match[3]) };
}

import type { FastifyRequest } from 'fastify';
import { TinderboxError } from '../../model/errors.ts';
import { assertName, defaultNamespace, parseFunctionKey } from '../../model/names.ts';

/** A query parameter; empty counts as absent. Throws `invalid` when it is there twice. */
export function readQuery(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Record<string, unknown>)[name];
  if (Array.isArray(value)) throw new TinderboxError('invalid', `${name}: is given more than once`);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function readParam(request: FastifyRequest, name: string): string {
  return (request.params as Record<string, string>)[name] ?? '';
}

/** The namespace of the query, or the default one. Throws `invalid` for what cannot be one. */
export function readNamespace(request: FastifyRequest): string {
  const namespace = readQuery(request, 'namespace') ?? defaultNamespace;
  assertName('namespace', namespace);
  return namespace;
}

/** The function a path names: `name` with the query's namespace, or `name.namespace`. Throws `invalid`. */
export function readFunctionName(
  request: FastifyRequest,
  bodyNamespace?: string | null,
): { readonly namespace: string; readonly name: string } {
  return resolveFunctionName(readParam(request, 'name'), bodyNamespace || readQuery(request, 'namespace'));
}

export function resolveFunctionName(
  text: string,
  namespace: string | undefined,
): { readonly namespace: string; readonly name: string } {
  const parsed = namespace === undefined ? parseFunctionKey(text) : { namespace, name: text };
  assertName('function', parsed.name);
  assertName('namespace', parsed.namespace);
  return parsed;
}

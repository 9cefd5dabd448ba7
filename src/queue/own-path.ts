import { defaultNamespace, type FunctionKey } from '../model/names.ts';

const functionPath = /^\/(?:async-)?function\/([^/]+)(\/.*)?$/;

/**
 * Whether a callback's URL names a function of this platform: `/function/NAME` or `/async-function/NAME` on an address
 * it listens on, or on the host `gateway`, as callbacks are written inside OpenFaaS. Such a callback is a call that needs
 * no connection.
 */
export function ownPath(
  url: URL,
  host: string,
  port: number,
): { readonly key: FunctionKey; readonly target: string } | undefined {
  const isGateway = url.hostname === 'gateway' || url.hostname === 'gateway.openfaas';
  const isHere = [host, 'localhost', '127.0.0.1', '[::1]'].includes(url.hostname) && portOf(url) === port;
  if (url.protocol !== 'http:' || !(isGateway || isHere)) return undefined;
  const match = functionPath.exec(url.pathname);
  if (match === null) return undefined;
  const name = match[1] ?? '';
  const key = (name.includes('.') ? name : `${name}.${defaultNamespace}`) as FunctionKey;
  return { key, target: `${match[2] ?? '/'}${url.search}` };
}

function portOf(url: URL): number {
  return url.port === '' ? 80 : Number(url.port);
}

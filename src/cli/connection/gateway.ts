import { TinderboxError } from '../../model/errors.ts';

export const defaultGateway = 'http://127.0.0.1:8080';

/** Where a gateway may be named. */
export interface GatewaySources {
  readonly flag?: string | undefined;
  /** `provider.gateway` of the stack file. */
  readonly yaml?: string | undefined;
  /** `OPENFAAS_URL`. */
  readonly env?: string | undefined;
}

/**
 * Flag, stack file, environment, default: the first that says something. As with faas-cli a stack file that names just
 * the default does not outrank the environment, because every generated stack file does.
 */
export function resolveGateway({ flag, yaml, env }: GatewaySources): string {
  const fromYaml = yaml === undefined ? undefined : normaliseGateway(yaml);
  if (flag !== undefined) return normaliseGateway(flag);
  if (fromYaml !== undefined && fromYaml !== defaultGateway) return fromYaml;
  if (env !== undefined && env.trim() !== '') return normaliseGateway(env);
  return defaultGateway;
}

/** One spelling per gateway: scheme and host lower-case, no trailing slash. Throws `invalid` for what is no address. */
export function normaliseGateway(text: string): string {
  const trimmed = text.trim();
  const url = URL.parse(/^[a-z]+:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new TinderboxError('invalid', `gateway "${text}" is not an address such as ${defaultGateway}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TinderboxError('invalid', 'the gateway must not carry a user or password', {
      hint: 'tinderbox login --gateway URL --username USER --password-stdin',
    });
  }
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

/** Whether a gateway is on this machine, so that the platform's own password file may be meant for it. */
export function isLoopback(gateway: string): boolean {
  const host = new URL(gateway).hostname;
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

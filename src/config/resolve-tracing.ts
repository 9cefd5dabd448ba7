import { TinderboxError } from '../model/errors.ts';
import type { TracingConfig } from './config.ts';
import { parsePairs, parseRatio } from './parse-tracing.ts';
import type { SettingValues } from './settings-table.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where spans go; undefined: nothing is traced. What our own settings leave open, OpenTelemetry's variables say (its
 * specification, "Environment Variable Specification"). Throws `config`, naming the setting or the variable.
 */
export function resolveTracing(given: SettingValues, env: Environment): TracingConfig | undefined {
  const url = given.tracingEndpoint === undefined ? urlFrom(env) : tracesUrl(given.tracingEndpoint);
  if (url === undefined) return undefined;
  const attributes = pairsIn(env, 'OTEL_RESOURCE_ATTRIBUTES');
  return {
    url,
    headers: given.tracingHeaders ?? headersFrom(env),
    serviceName: given.tracingService ?? read(env, 'OTEL_SERVICE_NAME') ?? attributes['service.name'] ?? 'tinderbox',
    ratio: given.tracingRatio ?? ratioFrom(env),
    attributes,
  };
}

/** Variables that are empty count as not set. */
function read(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === '' ? undefined : text;
}

function urlFrom(env: Environment): string | undefined {
  if (read(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined;
  if (read(env, 'OTEL_TRACES_EXPORTER') === 'none') return undefined;
  const own = read(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const shared = read(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (own === undefined && shared === undefined) return undefined;
  const protocolName = 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL';
  const protocol = read(env, protocolName) ?? read(env, 'OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/json';
  if (!protocol.startsWith('http/')) {
    throw new TinderboxError('config', `OTEL_EXPORTER_OTLP_PROTOCOL is "${protocol}": spans are sent by HTTP only`, {
      hint: 'set it to http/json, and the endpoint to the port for HTTP, usually 4318',
    });
  }
  if (own !== undefined) return parseUrl(own, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT').href;
  return tracesUrl(parseUrl(shared ?? '', 'OTEL_EXPORTER_OTLP_ENDPOINT').href);
}

/** The base of a collector, or the whole address. */
function tracesUrl(base: string): string {
  const url = new URL(base);
  if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

function parseUrl(text: string, name: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new TinderboxError('config', `${name} is "${text}", not an http or https address`);
}

function headersFrom(env: Environment): Readonly<Record<string, string>> {
  return {
    ...pairsIn(env, 'OTEL_EXPORTER_OTLP_HEADERS'),
    ...pairsIn(env, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'),
  };
}

function pairsIn(env: Environment, name: string): Record<string, string> {
  return parsePairs(read(env, name) ?? '', name);
}

/** Every sampler there goes on as a trace was begun elsewhere; so those with and without `parentbased_` are one here. */
function ratioFrom(env: Environment): number {
  const sampler = read(env, 'OTEL_TRACES_SAMPLER')?.replace(/^parentbased_/, '') ?? 'always_on';
  if (sampler === 'always_on') return 1;
  if (sampler === 'always_off') return 0;
  if (sampler !== 'traceidratio') {
    throw new TinderboxError('config', `OTEL_TRACES_SAMPLER is "${sampler}", which is not known here`, {
      hint: 'parentbased_always_on, parentbased_always_off and parentbased_traceidratio are',
    });
  }
  return parseRatio(read(env, 'OTEL_TRACES_SAMPLER_ARG') ?? '1', 'OTEL_TRACES_SAMPLER_ARG');
}

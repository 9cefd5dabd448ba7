import { TinderboxError } from '../model/errors.ts';
import type { TracingConfig } from './config.ts';
import { parsePairs, parseRatio } from './parse-tracing.ts';
import type { SettingValues } from './settings-table.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where spans go; undefined: nothing is traced. What our own settings leave open, OpenTelemetry's variables say (its
 * specification, "Environment Variable Specification"). They are often set for a whole machine, so what cannot be followed
 * in them stops nothing: `warn` is told, and the variable counts as not set.
 */
export function resolveTracing(
  given: SettingValues,
  env: Environment,
  warn: (text: string) => void,
): TracingConfig | undefined {
  const heed = <T>(value: () => T, otherwise: T, consequence: string): T => {
    try {
      return value();
    } catch (reason) {
      const { message, hint } = TinderboxError.from(reason);
      warn(`${message}; ${consequence}${hint === undefined ? '' : ` (${hint})`}`);
      return otherwise;
    }
  };
  const { tracingEndpoint: own } = given;
  const url = own === undefined ? heed(() => urlFrom(env), undefined, 'nothing is traced') : tracesUrl(own);
  if (url === undefined) return undefined;
  const attributes = heed(() => pairsIn(env, 'OTEL_RESOURCE_ATTRIBUTES'), {}, 'it is left out');
  return {
    url,
    headers: given.tracingHeaders ?? heed(() => headersFrom(env), {}, 'the collector gets no headers'),
    serviceName: given.tracingService ?? read(env, 'OTEL_SERVICE_NAME') ?? attributes['service.name'] ?? 'tinderbox',
    ratio: given.tracingRatio ?? heed(() => ratioFrom(env), 1, 'every trace is recorded'),
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
  assertHttp(env);
  if (own !== undefined) return parseUrl(own, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT').href;
  return tracesUrl(parseUrl(shared ?? '', 'OTEL_EXPORTER_OTLP_ENDPOINT').href);
}

/** Where gRPC is spoken nothing else is understood, and which port would is not known. */
function assertHttp(env: Environment): void {
  const names = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];
  const name = names.find((one) => read(env, one) !== undefined);
  const protocol = name === undefined ? undefined : read(env, name);
  if (protocol === undefined || protocol.startsWith('http/')) return;
  throw new TinderboxError('config', `${name} is "${protocol}", and spans are sent by HTTP only`, {
    hint: 'to trace: --tracing-endpoint with the address for HTTP, usually port 4318',
  });
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

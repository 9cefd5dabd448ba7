import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveTracing } from './resolve-tracing.ts';

const none = { headers: {}, serviceName: 'tinderbox', ratio: 1, attributes: {} };

test('nothing is traced unless a collector is named, and not when OpenTelemetry is switched off', () => {
  assert.equal(resolveTracing({}, { OTEL_SERVICE_NAME: 'x' }), undefined);
  const named = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };
  assert.equal(resolveTracing({}, { ...named, OTEL_SDK_DISABLED: 'true' }), undefined);
  assert.equal(resolveTracing({}, { ...named, OTEL_TRACES_EXPORTER: 'none' }), undefined);
});

test('the address of a collector leads to its traces; the variable for traces alone is the whole address', () => {
  const url = (env: Record<string, string>): string | undefined => resolveTracing({}, env)?.url;
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }), 'http://c:4318/v1/traces');
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/base/' }), 'https://c/base/v1/traces');
  assert.equal(url({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/mine' }), 'http://c/mine');
  assert.deepEqual(resolveTracing({ tracingEndpoint: 'http://c:4318/v1/traces' }, {}), {
    ...none,
    url: 'http://c:4318/v1/traces',
  });
});

test('our own settings go before OpenTelemetry’s variables', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://theirs:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b, other=c',
    OTEL_SERVICE_NAME: 'theirs',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
  };
  assert.deepEqual(resolveTracing({}, env), {
    url: 'http://theirs:4318/v1/traces',
    headers: { 'api-key': 'a b', other: 'c' },
    serviceName: 'theirs',
    ratio: 0.25,
    attributes: { 'deployment.environment': 'test' },
  });
  const own = {
    tracingEndpoint: 'http://ours:4318',
    tracingService: 'ours',
    tracingRatio: 1,
    tracingHeaders: { x: 'y' },
  };
  assert.deepEqual(resolveTracing(own, env), {
    url: 'http://ours:4318/v1/traces',
    headers: { x: 'y' },
    serviceName: 'ours',
    ratio: 1,
    attributes: { 'deployment.environment': 'test' },
  });
});

test('what cannot be followed is refused by name, and never with what may be a secret', () => {
  const named = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };
  const cases: [Record<string, string>, RegExp][] = [
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317' }, /OTEL_EXPORTER_OTLP_ENDPOINT is "c:4317"/],
    [{ ...named, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"/],
    [{ ...named, OTEL_TRACES_SAMPLER: 'xray' }, /OTEL_TRACES_SAMPLER is "xray"/],
    [{ ...named, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, /_ARG is "2"/],
    [{ ...named, OTEL_EXPORTER_OTLP_HEADERS: 'hunter2' }, /HEADERS has an entry that is not of the form key=value/],
  ];
  for (const [env, message] of cases) {
    assert.throws(
      () => resolveTracing({}, env),
      (error: { code: string; message: string }) => {
        assert.equal(error.code, 'config');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  }
});

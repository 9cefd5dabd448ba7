import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TracingConfig } from './config.ts';
import { resolveTracing } from './resolve-tracing.ts';
import type { SettingValues } from './settings-table.ts';

/** Where nothing is to be warned of. */
const resolved = (given: SettingValues, env: Record<string, string>): TracingConfig | undefined =>
  resolveTracing(given, env, (text) => assert.fail(text));
const none = { headers: {}, serviceName: 'tinderbox', ratio: 1, attributes: {} };

test('nothing is traced unless a collector is named, and not when OpenTelemetry is switched off', () => {
  assert.equal(resolved({}, { OTEL_SERVICE_NAME: 'x' }), undefined);
  const named = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };
  assert.equal(resolved({}, { ...named, OTEL_SDK_DISABLED: 'true' }), undefined);
  assert.equal(resolved({}, { ...named, OTEL_TRACES_EXPORTER: 'none' }), undefined);
});

test('the address of a collector leads to its traces; the variable for traces alone is the whole address', () => {
  const url = (env: Record<string, string>): string | undefined => resolved({}, env)?.url;
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }), 'http://c:4318/v1/traces');
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/base/' }), 'https://c/base/v1/traces');
  assert.equal(url({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/mine' }), 'http://c/mine');
  assert.deepEqual(resolved({ tracingEndpoint: 'http://c:4318/v1/traces' }, {}), {
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
  assert.deepEqual(resolved({}, env), {
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
  assert.deepEqual(resolved(own, env), {
    url: 'http://ours:4318/v1/traces',
    headers: { x: 'y' },
    serviceName: 'ours',
    ratio: 1,
    attributes: { 'deployment.environment': 'test' },
  });
});

test('a variable that cannot be followed is told of by name and counts as not set; a secret in it is not told', () => {
  const named = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };
  const url = 'http://c:4318/v1/traces';
  const cases: [Record<string, string>, RegExp, object | undefined][] = [
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317' }, /_ENDPOINT is "c:4317".*; nothing is traced$/, undefined],
    [
      { ...named, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      /^OTEL_EXPORTER_OTLP_PROTOCOL is "grpc", and spans are sent by HTTP only; nothing is traced \(to trace: --tracing-/,
      undefined,
    ],
    [{ ...named, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' }, /^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is/, undefined],
    [{ ...named, OTEL_TRACES_SAMPLER: 'xray' }, /OTEL_TRACES_SAMPLER is "xray"/, { ...none, url }],
    [
      { ...named, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
      /_ARG is "2".*; every trace is recorded$/,
      { ...none, url },
    ],
    [
      { ...named, OTEL_EXPORTER_OTLP_HEADERS: 'hunter2' },
      /HEADERS has an entry that is not of the form key=value; the collector gets no headers$/,
      { ...none, url },
    ],
    [{ ...named, OTEL_RESOURCE_ATTRIBUTES: 'a' }, /OTEL_RESOURCE_ATTRIBUTES has an entry/, { ...none, url }],
  ];
  for (const [env, message, wanted] of cases) {
    const warnings: string[] = [];
    assert.deepEqual(
      resolveTracing({}, env, (text) => warnings.push(text)),
      wanted,
    );
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', message);
    assert.doesNotMatch(warnings[0] ?? '', /hunter2/);
  }
});

test('what our own settings say is not looked for in variables', () => {
  const own = { tracingEndpoint: 'http://ours:4318', tracingRatio: 0.5, tracingHeaders: {} };
  const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'xray', OTEL_EXPORTER_OTLP_HEADERS: 'x' };
  assert.equal(resolved(own, env)?.url, 'http://ours:4318/v1/traces');
});

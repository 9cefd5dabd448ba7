import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { TinderboxError } from '../model/errors.ts';
import { parseDeployment } from './parse-deployment.ts';
import { parseJson } from './parse-json.ts';

const plain = { service: 'f', image: 'f:1' };

test('nulls and empty parts, as Go clients send them, are as if they were not there', () => {
  const nothing = {
    namespace: '',
    envProcess: '',
    envVars: null,
    constraints: null,
    secrets: [],
    labels: null,
    annotations: null,
    limits: { memory: '', cpu: '' },
    requests: null,
    readOnlyRootFilesystem: false,
  };
  const expected = { namespace: 'openfaas-fn', name: 'f', image: 'f:1', secrets: [], labels: {}, annotations: {} };
  assert.deepEqual(parseDeployment({ ...plain, ...nothing }, undefined), expected);
});

test('the namespace of the body comes before that of the query', () => {
  assert.equal(parseDeployment(plain, 'query').namespace, 'query');
  assert.equal(parseDeployment({ ...plain, namespace: 'body' }, 'query').namespace, 'body');
});

test('limits are named with the value that breaks them', () => {
  const cases: [object, RegExp][] = [
    [{ image: 'x'.repeat(600) }, /image: "x+… has more than 512 characters/],
    [{ envVars: { A: 'x\0y' } }, /envVars.A: .*NUL/],
    [{ envVars: { TINDERBOX_SOCKET: '/x' } }, /TINDERBOX_SOCKET.*platform/],
    [
      { envVars: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`A${i}`, 'x'.repeat(100_000)])) },
      /limit is 1048576/,
    ],
    [{ requests: { cpu: 'much' } }, /requests.cpu "much"/],
    [{ readOnlyRootFilesystem: 'yes' }, /readOnlyRootFilesystem: "yes" is neither true nor false/],
    [{ constraints: 'zone' }, /constraints: "zone" is not a list/],
    [{ secrets: ['a/b'] }, /secret name "a\/b"/],
  ];
  for (const [field, message] of cases) {
    assert.throws(() => parseDeployment({ ...plain, ...field }, undefined), { code: 'invalid', message });
  }
});

test('whatever is sent is either a complete spec or one invalid error that names something', () => {
  const wild = fc.oneof(fc.jsonValue(), fc.string(), fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.jsonValue())));
  const deployment = fc.record(
    {
      service: fc.oneof(fc.constant('f'), wild),
      image: fc.oneof(fc.constant('f:1'), wild),
      namespace: wild,
      envProcess: wild,
      envVars: wild,
      constraints: wild,
      secrets: wild,
      labels: fc.oneof(
        wild,
        fc.dictionary(fc.constantFrom('com.openfaas.scale.min', 'com.openfaas.scale.zero'), fc.string()),
      ),
      annotations: wild,
      limits: fc.oneof(wild, fc.record({ memory: wild, cpu: wild }, { requiredKeys: [] })),
      requests: wild,
      readOnlyRootFilesystem: wild,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(deployment, (json) => {
      try {
        const spec = parseDeployment(parseJson(Buffer.from(JSON.stringify(json))), undefined);
        assert.match(spec.name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        for (const value of Object.values(spec.labels)) assert.equal(typeof value, 'string');
        assert.deepEqual(JSON.parse(JSON.stringify(spec)), spec);
      } catch (error) {
        assert.ok(error instanceof TinderboxError && error.code === 'invalid', String(error));
        assert.ok(error.message.length > 0 && error.message.length < 2_000);
      }
    }),
    { numRuns: 500 },
  );
});

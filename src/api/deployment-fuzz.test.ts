import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type ApiWorld, createApiWorld } from '../../test/support/api-world.ts';
import { notice } from '../observe/channels.ts';

/** Longer than any answer needs to name field, value and limit. */
const maxAnswerChars = 1500;
const deadlineMs = 30_000;

const nasty = fc.constantFrom(
  '',
  ' ',
  '\0',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  '-1',
  '0',
  '1e309',
  '99999999999999999999',
  'NaN',
  'true',
  '\u{1F600}',
  '\ud800',
  'ﬀ',
  'a'.repeat(300),
  'a'.repeat(200_000),
  '%s%n${x}`x`$(x)',
  '\r\nX-Injected: 1',
  '<script>',
);
const word = fc.oneof(nasty, fc.string({ unit: 'binary' }), fc.string());
const anything = fc.oneof(word, fc.jsonValue(), fc.double(), fc.integer(), fc.constant(null), fc.array(word));
const mapOf = (...keys: string[]): fc.Arbitrary<unknown> =>
  fc.oneof(anything, fc.dictionary(fc.oneof(fc.constantFrom(...keys), word), fc.oneof(word, anything), { maxKeys: 5 }));
const amounts = mapOf('memory', 'cpu', 'nvidia.com/gpu');

/** Values for every field there is, and by what a refusal must name it. */
const fields: Readonly<Record<string, readonly [values: fc.Arbitrary<unknown>, names: RegExp]>> = {
  service: [anything, /service|function name/],
  image: [anything, /image/],
  namespace: [anything, /namespace/],
  envProcess: [anything, /envProcess/],
  envVars: [
    mapOf('PATH', 'exec_timeout', 'max_inflight', 'write_timeout', 'TINDERBOX_X', 'LD_PRELOAD'),
    /env|timeout|max_/,
  ],
  constraints: [anything, /constraints/],
  secrets: [fc.oneof(anything, fc.array(word)), /secret/],
  labels: [
    mapOf('com.openfaas.scale.min', 'com.openfaas.scale.max', 'com.openfaas.scale.zero', 'com.openfaas.scale.factor'),
    /label|scale/,
  ],
  annotations: [
    mapOf('com.tinderbox.pids', 'com.tinderbox.network', 'com.openfaas.ready.http.path', 'topic', 'schedule'),
    /annotations|com\./,
  ],
  limits: [amounts, /limits/],
  requests: [amounts, /requests/],
  readOnlyRootFilesystem: [anything, /readOnlyRootFilesystem/],
  registryAuth: [anything, /registryAuth/],
  network: [anything, /network/],
};

describe('a deployment with one field of any value', () => {
  let api: ApiWorld;
  const faults: string[] = [];
  let stop = (): void => undefined;
  const dir = mkdtempSync(join(tmpdir(), 'tb-fuzz-'));
  before(async () => {
    api = await createApiWorld(dir);
    api.world.images.add('good:1');
    stop = notice.subscribe(({ level, message }) => {
      if (level === 'error') faults.push(message);
    });
  });
  after(async () => {
    stop();
    await api.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const send = async (body: unknown): Promise<{ status: number; text: string }> => {
    const timeout = AbortSignal.timeout(deadlineMs);
    const answer = await fetch(`${api.url}/system/functions`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal: timeout,
    });
    return { status: answer.status, text: await answer.text() };
  };

  for (const [field, [values, names]] of Object.entries(fields)) {
    test(`${field}: is taken, or refused at once with one text that names it`, async () => {
      await fc.assert(
        fc.asyncProperty(values, async (value) => {
          const { status, text } = await send({ service: 'f', image: 'good:1', [field]: value });
          if (status === 202) {
            const name = field === 'service' ? String(value) : 'f';
            const namespace = field === 'namespace' && value !== '' && value !== null ? { namespace: value } : {};
            const gone = await api.call('DELETE', '/system/functions', { functionName: name, ...namespace });
            assert.equal(gone.status, 202, gone.text);
            return;
          }
          assert.equal(status, 400, text);
          // One key is refused at any depth, before anybody knows the field.
          if (text !== 'unknown field "__proto__"') assert.match(text, names);
          assert.ok(text.length < maxAnswerChars, `${text.length} characters`);
          assert.doesNotMatch(text, /\.ts:|node:internal/);
        }),
        { numRuns: 40 },
      );
      assert.deepEqual(faults, []);
    });
  }

  test('bytes that are no deployment are 400', async () => {
    const whole = JSON.stringify({ service: 'f', image: 'good:1', labels: { a: 'b' } });
    const broken = fc.oneof(
      fc.string({ unit: 'binary' }).filter((text) => text.trim() !== ''),
      fc.integer({ min: 1, max: whole.length - 1 }).map((length) => whole.slice(0, length)),
      fc.jsonValue().map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(broken, async (body) => {
        const { status, text } = await send(body);
        assert.equal(status, 400, text);
        assert.ok(text.length < maxAnswerChars);
      }),
      { numRuns: 100 },
    );
    assert.deepEqual(faults, []);
  });
});

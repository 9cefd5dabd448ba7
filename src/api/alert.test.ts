import assert from 'node:assert/strict';
import { beforeEach, describe, type TestContext, test } from 'node:test';
import { type ApiWorld, createApiWorld } from '../../test/support/api-world.ts';
import { covers, differs } from '../../test/support/covers.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { until } from '../../test/support/until.ts';
import { decideAlertReplicas } from './alert.ts';
import type { FunctionStatus } from './function-status.ts';

test('an alert adds its share of the maximum, rounded up, and its end leads back to the minimum', () => {
  const settings = { min: 2, max: 12, factor: 20 };
  assert.equal(decideAlertReplicas('firing', 2, settings), 5);
  assert.equal(decideAlertReplicas('firing', 11, settings), 12);
  assert.equal(decideAlertReplicas('resolved', 11, settings), 2);
  assert.equal(decideAlertReplicas('resolved', 11, { ...settings, min: 0 }), 1);
  assert.equal(decideAlertReplicas('firing', 3, { ...settings, factor: 0 }), 3);
  assert.equal(decideAlertReplicas('firing', 1, { ...settings, factor: 100 }), 12);
});

describe('POST /system/alert', () => {
  let api: ApiWorld;
  beforeEach(async (context) => {
    const t = context as TestContext;
    api = await createApiWorld(tempDir(t));
    t.after(() => api.close());
    api.world.images.add('good:1');
  });

  const alert = async (...alerts: (readonly [status: string, name: string])[]) =>
    api.call('POST', '/system/alert', {
      receiver: 'scale-up',
      status: 'firing',
      groupKey: 'what Alertmanager sends besides',
      alerts: alerts.map(([status, name]) => ({
        status,
        labels: { alertname: 'APIHighInvocationRate', function_name: name, code: '200' },
        startsAt: '2026-01-01T00:00:00Z',
      })),
    });
  const available = (count: number): Promise<boolean> =>
    until(`${count} are available`, async () => {
      const { json } = await api.call('GET', '/system/function/f');
      return (json as FunctionStatus).availableReplicas === count;
    });

  test('scales up by the factor, also by the full name, and back when it is over', async () => {
    covers('endpoint', 'POST /system/alert');
    differs('label', 'com.openfaas.scale.factor', 'the default is 20, as its documents say; its code has 10');
    const labels = { 'com.openfaas.scale.max': '4', 'com.openfaas.scale.factor': '50' };
    await api.call('POST', '/system/functions', { service: 'f', image: 'good:1', labels });
    await available(1);
    const answer = await alert(['firing', 'f']);
    assert.deepEqual([answer.status, answer.text], [200, '']);
    await available(3);
    await alert(['firing', 'f.openfaas-fn']);
    await available(4);
    await alert(['resolved', 'f.openfaas-fn']);
    await available(1);
  });

  test('an alert that cannot be followed has a line of its own, and the others are followed', async () => {
    await api.call('POST', '/system/functions', { service: 'f', image: 'good:1' });
    await available(1);
    const answer = await alert(['firing', 'none'], ['firing', 'f'], ['firing', 'No_Name']);
    assert.equal(answer.status, 500);
    assert.match(
      answer.text,
      /^\[0\] function "none" does not exist[^\n]*\n\[2\] function name "No_Name" is not valid/,
    );
    await available(5);
  });

  test('a body that is no webhook is 400 and names what is wrong', async () => {
    const cases: [unknown, RegExp][] = [
      ['', /no body/],
      ['{"alerts":', /not JSON/],
      [[], /not a JSON object/],
      [{}, /alerts: is required/],
      [{ alerts: 'all' }, /alerts: "all" is not a list/],
      [{ alerts: [{ status: 'firing' }] }, /alerts\.0\.labels: is required/],
      [{ alerts: [{ status: 'burning', labels: { function_name: 'f' } }] }, /alerts\.0\.status: "burning" is neither/],
      [
        { alerts: [{ status: 'firing', labels: { function_name: '' } }] },
        /alerts\.0\.labels\.function_name: "" is empty/,
      ],
    ];
    for (const [body, message] of cases) {
      const answer = await api.call('POST', '/system/alert', body);
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.text, message);
    }
  });
});

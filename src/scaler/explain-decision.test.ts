import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quietObservation as quiet } from '../../test/support/quiet-observation.ts';
import { resolveScaling } from '../model/resolve-scaling.ts';
import { decideCount } from './decide.ts';
import { explainDecision } from './explain-decision.ts';

function reasonWith(labels: Readonly<Record<string, string>>): string {
  const scaling = resolveScaling(labels, {});
  return explainDecision(decideCount(quiet, scaling, 1), quiet, scaling);
}

test('a quiet function is told to have what its labels say, and no minimum that nobody gave', () => {
  assert.equal(reasonWith({}), 'one until it sleeps; load 0 by 50 × 1 for each instance');
  assert.match(reasonWith({ 'com.openfaas.scale.zero': 'false' }), /^the minimum of 1; /);
  assert.match(reasonWith({ 'com.openfaas.scale.min': '2' }), /^the minimum of 2; /);
});

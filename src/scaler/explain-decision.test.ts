import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveScaling } from '../model/resolve-scaling.ts';
import { decideCount, type ScaleObservation } from './decide.ts';
import { explainDecision } from './explain-decision.ts';

const quiet: ScaleObservation = {
  nowMs: 0,
  panicLoad: undefined,
  panic: undefined,
  ready: 1,
  alerted: 0,
  before: 0,
  load: 0,
  inFlight: 0,
  waiting: 0,
  completedPerMs: 0,
  host: { cores: 2, idleShare: 1 },
  concurrency: 100,
  idleMs: 0,
  starting: false,
  floor: 0,
  heldAtZero: false,
  highestRecent: 0,
};

function reasonWith(labels: Readonly<Record<string, string>>): string {
  const scaling = resolveScaling(labels, {});
  return explainDecision(decideCount(quiet, scaling, 1), quiet, scaling);
}

test('a quiet function is told to have what its labels say, and no minimum that nobody gave', () => {
  assert.equal(reasonWith({}), 'one until it sleeps; load 0 by 50 × 1 for each instance');
  assert.match(reasonWith({ 'com.openfaas.scale.zero': 'false' }), /^the minimum of 1; /);
  assert.match(reasonWith({ 'com.openfaas.scale.min': '2' }), /^the minimum of 2; /);
});

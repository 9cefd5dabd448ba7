import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallHistogram } from './call-histogram.ts';
import { chooseMetricsFormat, openMetricsFrom } from './open-metrics.ts';

test('a scraper gets OpenMetrics when it names it, and Prometheus’ text otherwise', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  assert.equal(chooseMetricsFormat(prometheus), 'openMetrics');
  assert.equal(chooseMetricsFormat('text/plain'), 'prometheus');
  assert.equal(chooseMetricsFormat('*/*'), 'prometheus');
  assert.equal(chooseMetricsFormat('application/openmetrics-text;q=0'), 'prometheus');
  assert.equal(chooseMetricsFormat(undefined), 'prometheus');
});

test('names stay as boards ask for them, families and bounds are as OpenMetrics wants them', () => {
  const text = [
    '# HELP a_total How often',
    '# TYPE a_total counter',
    'a_total{x="y"} 3',
    '',
    '# HELP started That began',
    '# TYPE started counter',
    'started 4',
    '# TYPE t_seconds histogram',
    't_seconds_bucket{le="1",x="y"} 1',
    't_seconds_bucket{x="y",le="0.5"} 1',
    't_seconds_bucket{le="+Inf",x="y"} 1\n',
  ].join('\n');
  assert.equal(
    openMetricsFrom(text),
    [
      '# HELP a How often',
      '# TYPE a counter',
      'a_total{x="y"} 3',
      '# HELP started That began',
      '# TYPE started unknown',
      'started 4',
      '# TYPE t_seconds histogram',
      't_seconds_bucket{le="1.0",x="y"} 1',
      't_seconds_bucket{x="y",le="0.5"} 1',
      't_seconds_bucket{le="+Inf",x="y"} 1',
      '# EOF\n',
    ].join('\n'),
  );
});

test('a bucket tells the first call since it was last shown, and goes on telling it until another comes', () => {
  const histogram = new CallHistogram();
  const shown = (): string[] =>
    histogram
      .format('t', 'a="b"', true)
      .split('\n')
      .flatMap((line) => /# \{call_id="(\w+)"\} 0\.02 \d+\.?\d*$/.exec(line)?.[1] ?? []);
  histogram.observe(0.02, 'one');
  histogram.observe(0.02, 'two');
  assert.deepEqual(shown(), ['one']);
  assert.deepEqual(shown(), ['one']);
  histogram.observe(0.02, 'three');
  assert.deepEqual(shown(), ['three']);
  assert.doesNotMatch(histogram.format('t', 'a="b"'), /call_id/);
});

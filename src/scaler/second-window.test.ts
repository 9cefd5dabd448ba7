import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecondWindow } from './second-window.ts';

test('samples of a second are averaged, and a second without one counts as nothing', () => {
  const window = createSecondWindow(10_000);
  window.note(0, 4);
  window.note(500, 8);
  window.note(2_100, 3);
  // Seconds 0, 1 and 2: (6 + 0 + 3) / 3.
  assert.equal(window.mean(2_900, 10_000), 3);
  // Second 2 alone.
  assert.equal(window.mean(2_900, 1_000), 3);
});

test('a window that reaches back before the first sample is as long as what it covers, then as long as itself', () => {
  const window = createSecondWindow(10_000);
  window.note(5_000, 10);
  assert.equal(window.mean(5_500, 10_000), 10);
  assert.equal(window.mean(9_500, 10_000), 2);
  assert.equal(window.mean(14_500, 10_000), 1);
  assert.equal(window.mean(15_000, 10_000), 0);
});

test('counts are added up and become a rate', () => {
  const window = createSecondWindow(30_000);
  for (let atMs = 0; atMs < 10_000; atMs += 100) window.count(atMs, 5);
  assert.equal(window.rate(9_999, 30_000), 50);
  assert.equal(window.rate(19_999, 30_000), 25);
});

test('the highest sample is that of the window, and nothing without one', () => {
  const window = createSecondWindow(5_000);
  assert.equal(window.max(0, 5_000), 0);
  window.note(0, 9);
  window.note(3_000, 2);
  assert.equal(window.max(4_999, 5_000), 9);
  assert.equal(window.max(5_000, 5_000), 2);
  assert.equal(window.max(60_000, 5_000), 0);
});

test('what is older than the longest window is not kept', () => {
  const window = createSecondWindow(3_000);
  for (let second = 0; second < 100_000; second += 1) window.note(second * 1_000, 1);
  assert.equal(window.mean(99_999_000, 1_000_000_000), 3 / 100_000);
});

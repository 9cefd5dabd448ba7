import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOrigin } from './origin.ts';

const portal = 'http://127.0.0.1:8083';

test('programs, and addresses typed by a person, pass', () => {
  assert.equal(checkOrigin({}), true);
  assert.equal(checkOrigin({ 'sec-fetch-site': 'none' }), true);
});

test('pages of other sites do not pass, whatever header tells of them', () => {
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'nonsense' },
    { 'sec-fetch-site': ['none', 'none'] },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'null', 'sec-fetch-site': 'none' },
    { origin: `${portal}.evil.example`, 'sec-fetch-site': 'cross-site' },
  ]) {
    assert.equal(checkOrigin(headers, { trusted: [portal], sameOrigin: true }), false, JSON.stringify(headers));
  }
});

test('a page that a function serves on the origin of the API does not pass', () => {
  assert.equal(checkOrigin({ 'sec-fetch-site': 'same-origin' }), false);
  assert.equal(checkOrigin({ origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' }), false);
});

test('the portal passes: from its own listener, or by its name', () => {
  assert.equal(checkOrigin({ 'sec-fetch-site': 'same-origin' }, { sameOrigin: true }), true);
  assert.equal(checkOrigin({ origin: portal, 'sec-fetch-site': 'same-site' }, { trusted: [portal] }), true);
});

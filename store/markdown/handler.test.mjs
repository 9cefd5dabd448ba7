import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.mjs';

const render = async (body) => (await handler.fetch(new Request('http://markdown/', { method: 'POST', body }))).text();

test('turns headings, emphasis, tables and bare links into HTML', async () => {
  assert.equal(await render('## A **bold** _word_'), '<h2>A <strong>bold</strong> <em>word</em></h2>\n');
  assert.match(await render('|a|\n|-|\n|1|'), /<table>[^]*<td>1<\/td>/);
  assert.match(await render('see https://example.org'), /<a href="https:\/\/example\.org">/);
});

test('lets no script through', async () => {
  const html = await render('<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![x](data:text/html,x)');
  assert.doesNotMatch(html, /<script|href="javascript|src="data/);
});

test('answers with a page that may do nothing', async () => {
  const answer = await handler.fetch(new Request('http://markdown/', { method: 'POST', body: 'x' }));
  assert.equal(answer.headers.get('content-security-policy'), 'sandbox');
});

import assert from 'node:assert/strict';
import { Stats } from 'node:fs';
import { test } from 'node:test';
import type { RequestHead } from '../../frame/head-text.ts';
import { fieldOf } from './call.ts';
import { cacheControlOf, decideStaticReply, type StaticReply } from './static-reply.ts';

const mtimeMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const facts = Object.assign(Object.create(Stats.prototype) as Stats, { size: 100, mtimeMs });
const changed = 'Fri, 02 Jan 2026 03:04:05 GMT';

function reply(fields: readonly string[], method = 'GET'): StaticReply {
  const head: RequestHead = { method, target: '/', callId: 'c', remainingMs: 0, contentLength: 0, fields };
  return decideStaticReply(head, '/a.css', facts, 200);
}

const field = (name: string, { fields }: StaticReply): string | undefined => fieldOf(fields, name);

test('how long a file may be kept follows from its name', () => {
  assert.equal(cacheControlOf('/x/index.html'), 'no-cache');
  for (const hashed of ['/app.3f2a91bc.js', '/chunk-DKzJ8s1f.js', '/font-a1b2c3d4e5.woff2']) {
    assert.match(cacheControlOf(hashed), /immutable/, hashed);
  }
  for (const plain of [
    '/app.js',
    '/my-stylesheet.css',
    '/jquery-3.7.1.js',
    '/logo.png',
    '/some-long-name.js',
    '/x-bootstrap5.js',
  ]) {
    assert.equal(cacheControlOf(plain), 'public, max-age=300', plain);
  }
});

test('a whole file says what it is and how to ask for it again', () => {
  const whole = reply([]);
  assert.deepEqual([whole.status, whole.start, whole.end, whole.bare], [200, 0, 100, false]);
  assert.equal(field('content-type', whole), 'text/css; charset=utf-8');
  assert.equal(field('last-modified', whole), changed);
  assert.equal(field('x-content-type-options', whole), 'nosniff');
  assert.equal(reply([], 'HEAD').bare, true);
});

test('what was not changed is not sent again; the tag counts more than the time', () => {
  const tag = field('etag', reply([])) ?? '';
  assert.equal(reply(['If-None-Match', tag]).status, 304);
  assert.equal(reply(['If-None-Match', `"x", W/${tag}`]).status, 304);
  assert.equal(reply(['If-None-Match', '*']).status, 304);
  assert.equal(reply(['If-Modified-Since', changed]).status, 304);
  assert.equal(reply(['If-None-Match', '"x"', 'If-Modified-Since', changed]).status, 200);
  assert.equal(reply(['If-Modified-Since', 'Fri, 02 Jan 2026 03:04:04 GMT']).status, 200);
  assert.equal(reply(['If-Modified-Since', 'yesterday']).status, 200);
});

test('one part is sent when it can be had', () => {
  const part = (range: string, more: readonly string[] = []): (number | string | undefined)[] => {
    const got = reply(['Range', range, ...more]);
    return [got.status, got.start, got.end, field('content-range', got)];
  };
  assert.deepEqual(part('bytes=0-9'), [206, 0, 10, 'bytes 0-9/100']);
  assert.deepEqual(part('bytes=90-'), [206, 90, 100, 'bytes 90-99/100']);
  assert.deepEqual(part('bytes=-5'), [206, 95, 100, 'bytes 95-99/100']);
  assert.deepEqual(part('bytes=50-1000'), [206, 50, 100, 'bytes 50-99/100']);
  assert.deepEqual(part('bytes=100-'), [416, 0, 0, 'bytes */100']);
  assert.deepEqual(part('bytes=-0'), [416, 0, 0, 'bytes */100']);
  for (const odd of ['bytes=9-0', 'bytes=-', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=a-b']) {
    assert.equal(part(odd)[0], 200, odd);
  }
  assert.equal(part('bytes=0-9', ['If-Range', changed])[0], 206);
  assert.equal(part('bytes=0-9', ['If-Range', '"other"'])[0], 200);
});

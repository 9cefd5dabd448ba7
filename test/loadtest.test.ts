import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { drive } from '../bench/loadtest/drive.ts';
import { drawPicture } from '../bench/loadtest/picture.ts';
import { modes, shapes } from '../bench/loadtest/shapes.ts';

test('there are nine runs, each between nothing and its peak and quiet at its end', () => {
  assert.equal(shapes.length * modes.length, 9);
  for (const { name, level } of shapes) {
    const levels = Array.from({ length: 1_001 }, (_, at) => level(at / 1_000));
    assert.ok(
      levels.every((each) => each >= 0 && each <= 1),
      name,
    );
    assert.ok(Math.max(...levels) > 0.9, name);
    assert.ok(
      levels.slice(701).every((each) => each === 0),
      name,
    );
  }
});

test('a picture shows load as an area and replicas as steps, at their places', () => {
  const picture = drawPicture({
    title: 'a < b',
    unit: 'calls & more',
    moments: [
      { atMs: 0, load: 0, desired: 1, ready: 1 },
      { atMs: 500, load: 10, desired: 4, ready: 1 },
      { atMs: 1_000, load: 5, desired: 4, ready: 4 },
    ],
  });
  assert.match(picture, /^<svg [^>]*viewBox="0 0 720 300"/);
  assert.match(picture, />a &lt; b</);
  assert.match(picture, /load: calls &amp; more/);
  // Left edge 56, right edge 676, top 34, floor 266: half a second is in the middle, 10 of 10 and 4 of 4 are at the top.
  assert.match(picture, /points="56,266 56,266 366,34 676,150 676,266"/);
  assert.match(picture, /<path d="M56,208H366V34H676V34" fill="none" stroke="#d9822b"/);
  assert.match(picture, /<path d="M56,208H676V34" fill="none" stroke="#2a7a3b"/);
  assert.equal((picture.match(/</g) ?? []).length, (picture.match(/>/g) ?? []).length);
});

test('calls come at their rate whether or not they are answered, and what is not 200 is an error', async (t) => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(asked % 2 === 0 ? 500 : 200).end('x');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  let moments = 0;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const driven = await drive(
    url,
    400,
    () => 200,
    async () => void (moments += 1),
  );
  assert.equal(driven.calls, asked);
  assert.ok(driven.calls >= 10);
  assert.equal(driven.errors, Math.floor(asked / 2));
  assert.equal(driven.latenciesMs.length, driven.calls - driven.errors);
  assert.ok(moments >= 1);
});

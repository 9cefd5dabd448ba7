import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FrameStream, type StreamListener, type StreamPort } from './stream.ts';
import { StreamTable } from './stream-table.ts';

const listener: StreamListener = { head() {}, data() {}, trailers() {}, stopped() {} };
const port: StreamPort = {
  room: () => 0,
  sendHead() {},
  sendText() {},
  sendData() {},
  sendWindow() {},
  wait() {},
};

function streamOf(id: number): FrameStream {
  return new FrameStream(id, port, () => listener);
}

test('a table of streams answers as a map does, whatever is added and removed', () => {
  const step = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 400 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const table = new StreamTable();
      const map = new Map<number, FrameStream>();
      for (const [adds, id] of steps) {
        if (!adds) table.delete(id);
        else if (!map.has(id)) table.add(streamOf(id));
        if (!adds) map.delete(id);
        else if (!map.has(id)) map.set(id, table.get(id) as FrameStream);
        assert.equal(table.size, map.size);
        assert.equal(table.get(id), map.get(id));
      }
      for (const [id, stream] of map) assert.equal(table.get(id), stream);
      assert.deepEqual(new Set(table.drain()), new Set(map.values()));
      assert.equal(table.size, 0);
    }),
  );
});

test('numbers that are far apart and share a bucket are told apart', () => {
  const table = new StreamTable();
  const streams = [1, 1 + 2 ** 6, 1 + 2 ** 20, 0xffff_ffff].map(streamOf);
  for (const stream of streams) table.add(stream);
  for (const stream of streams) assert.equal(table.get(stream.id), stream);
  table.delete(1 + 2 ** 6);
  assert.deepEqual(
    streams.map(({ id }) => table.get(id)?.id),
    [1, undefined, 1 + 2 ** 20, 0xffff_ffff],
  );
});

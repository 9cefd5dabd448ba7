import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FrameReader } from './frame-reader.ts';
import type { Side } from './frame-rules.ts';
import { FrameWriter } from './frame-writer.ts';
import { endFlag, frameLimits, frameType } from './messages.ts';
import { FrameViolation } from './violation.ts';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: string;
}

interface Decoded {
  readonly frames: Frame[];
  readonly violation: string | undefined;
}

/** Decodes pieces that lie in a buffer which is overwritten after each, as a socket's read buffer is. */
function decode(receiver: Side, pieces: readonly Buffer[]): Decoded {
  const frames: Frame[] = [];
  const reader = new FrameReader(receiver, (type, flags, stream, bytes, start, end) => {
    frames.push({ type, flags, stream, payload: bytes.toString('hex', start, end) });
  });
  for (const piece of pieces) {
    const shared = Buffer.from(piece);
    try {
      reader.push(shared);
    } catch (error) {
      if (!(error instanceof FrameViolation)) throw error;
      return { frames, violation: error.rule };
    }
    shared.fill(0xee);
  }
  return { frames, violation: undefined };
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

const vectorFile = new URL('../../test/fixtures/frame-vectors.json', import.meta.url);
const { frames: vectors } = JSON.parse(readFileSync(vectorFile, 'utf8')) as {
  frames: { name: string; receiver: Side; hex: string; frames: Frame[]; violation?: string }[];
};

const cuts = fc.array(fc.nat(400_000), { maxLength: 20 });
const payload = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: 1, maxLength: max }).map((bytes) => Buffer.from(bytes));
const streamId = fc.integer({ min: 1, max: 0xffff_ffff });
const goodFrame = fc.oneof(
  fc.record({
    type: fc.constant(frameType.head),
    flags: fc.constantFrom(0, endFlag),
    stream: streamId,
    bytes: payload(2000),
  }),
  fc.record({
    type: fc.constant(frameType.data),
    flags: fc.constantFrom(0, endFlag),
    stream: streamId,
    bytes: payload(16_384),
  }),
  fc.record({ type: fc.constant(frameType.ping), flags: fc.constant(0), stream: fc.constant(0), bytes: payload(64) }),
);

async function encode(
  frames: readonly { type: number; flags: number; stream: number; bytes: Buffer }[],
): Promise<Buffer> {
  const sink = new PassThrough({ highWaterMark: 2 ** 30 });
  const writer = new FrameWriter(sink, () => {});
  for (const { type, flags, stream, bytes } of frames) writer.bytes(type, flags, stream, bytes);
  writer.flush();
  sink.end();
  return Buffer.concat((await sink.toArray()) as Buffer[]);
}

for (const vector of vectors) {
  test(`the decoder agrees with the vector "${vector.name}", whole and byte by byte`, () => {
    const bytes = Buffer.from(vector.hex, 'hex');
    const expected = { frames: vector.frames, violation: vector.violation };
    assert.deepEqual(decode(vector.receiver, [bytes]), expected);
    assert.deepEqual(decode(vector.receiver, split(bytes, [...bytes.keys()])), expected);
  });
}

test('what the writer gathers is what the reader finds, however the bytes are split', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(goodFrame, { maxLength: 12 }), cuts, async (frames, places) => {
      const expected = frames.map(({ bytes, ...frame }) => ({ ...frame, payload: bytes.toString('hex') }));
      const { frames: found, violation } = decode('runtime', split(await encode(frames), places));
      assert.equal(violation, undefined);
      assert.deepEqual(
        found.map(({ type, flags, stream, payload }) => ({ type, flags, stream, payload })),
        expected,
      );
    }),
    { numRuns: 200 },
  );
});

test('arbitrary bytes give frames within their limits or a violation, the same for every split', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(fc.constantFrom<Side>('router', 'runtime'), bytes, cuts, (receiver, input, places) => {
      const whole = decode(receiver, [input]);
      assert.deepEqual(decode(receiver, split(input, places)), whole);
      for (const frame of whole.frames) assert.ok(frame.payload.length / 2 <= frameLimits.specialiseBytes);
    }),
    { numRuns: 2000 },
  );
});

test('good bytes with mutations, cut anywhere, never break the decoder', async () => {
  const mutation = fc.record({ at: fc.nat(100_000), value: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(goodFrame, { minLength: 1, maxLength: 6 }),
      fc.array(mutation, { maxLength: 8 }),
      cuts,
      fc.nat(100_000),
      async (frames, mutations, places, length) => {
        const bytes = await encode(frames);
        for (const { at, value } of mutations) bytes[at % bytes.length] = value;
        const input = bytes.subarray(0, length % (bytes.length + 1));
        assert.deepEqual(decode('runtime', split(input, places)), decode('runtime', [input]));
      },
    ),
    { numRuns: 200 },
  );
});

test('an announced length is judged before any memory is taken for it', () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 100; round += 1) {
    const header = Buffer.from([frameType.data, 0, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff]);
    assert.equal(decode('router', [header.subarray(0, 9), header.subarray(9)]).violation, 'length');
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20);
});

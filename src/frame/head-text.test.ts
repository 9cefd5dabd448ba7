import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  encodeHead,
  formatReplyHead,
  formatRequestHead,
  formatTrailers,
  type HeadText,
  headSize,
  parseReplyHead,
  parseRequestHead,
  parseTrailers,
} from './head-text.ts';
import { FrameViolation } from './violation.ts';

type Kind = 'request' | 'reply' | 'trailers';

const vectorFile = new URL('../../test/fixtures/frame-vectors.json', import.meta.url);
const { heads } = JSON.parse(readFileSync(vectorFile, 'utf8')) as {
  heads: { name: string; kind: Kind; text: string; value?: object; violation?: string }[];
};

const parsers: Record<Kind, (text: string) => object> = {
  request: parseRequestHead,
  reply: parseReplyHead,
  trailers: (text) => ({ fields: parseTrailers(text) }),
};

/** What goes over the wire. */
function textOf(head: HeadText): string {
  const bytes = Buffer.alloc(headSize(head));
  encodeHead(head, bytes, 0);
  return bytes.toString('latin1');
}

function nullLength(value: object): object {
  return JSON.parse(
    JSON.stringify('contentLength' in value ? { ...value, contentLength: value.contentLength ?? null } : value),
  );
}

for (const { name, kind, text, value, violation } of heads) {
  test(`the head codec agrees with the vector "${name}"`, () => {
    if (violation !== undefined) {
      assert.throws(
        () => parsers[kind](text),
        (error) => error instanceof FrameViolation && error.rule === violation,
      );
      return;
    }
    assert.deepEqual(nullLength(parsers[kind](text)), value);
  });
}

const fieldName = fc.stringMatching(/^[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,20}$/);
const fieldValue = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,40}$/);
const fields = fc.array(fc.tuple(fieldName, fieldValue), { maxLength: 10 }).map((pairs) => pairs.flat());

test('a request head is read as it was written', () => {
  const head = fc.record({
    method: fieldName,
    target: fc.stringMatching(/^\/[\x21-\x7e\x80-\xff]{0,60}$/),
    callId: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
    remainingMs: fc.nat(),
    contentLength: fc.option(fc.nat(), { nil: undefined }),
    fields,
  });
  fc.assert(
    fc.property(head, (value) => assert.deepEqual(parseRequestHead(textOf(formatRequestHead(value))), { ...value })),
  );
});

test('a reply head and trailers are read as they were written', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 999 }),
      fc.option(fc.nat(), { nil: undefined }),
      fields,
      (status, length, pairs) => {
        const head = parseReplyHead(textOf(formatReplyHead(status, length, pairs)));
        assert.deepEqual(head, { status, contentLength: length, fields: pairs });
        assert.deepEqual(parseTrailers(formatTrailers(pairs)), pairs);
      },
    ),
  );
});

test('no field can add a line or a field, not even by what latin-1 makes of a character', () => {
  const evil = fc.tuple(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\n', '\r', '\0', '\u010a', '\u010d', '\u2028'),
    fc.string(),
  );
  fc.assert(
    fc.property(evil, fc.boolean(), (parts, inName) => {
      const text = parts.join('');
      assert.throws(() => textOf(formatReplyHead(200, 0, inName ? [text, 'v'] : ['n', text])), FrameViolation);
      assert.throws(() => formatTrailers(inName ? [text, 'v'] : ['n', text]), FrameViolation);
    }),
  );
});

test('a field that cannot be sent is named, with the limit but without its value', () => {
  for (const [fields, message] of [
    [
      ['ok', '1', 'x-odd', 'secret\nx'],
      /^field "x-odd" has a line break, another control character or one beyond latin-1$/,
    ],
    [['x-odd', `${'secret'.repeat(40)}\u2603`], /^field "x-odd" has a line break, another/],
    [['n'.repeat(257), 'v'], /^field name "n{60}…" has 257 characters, at most 256 are allowed$/],
    [['a b', 'v'], /^"a b" is not a field name$/],
  ] as const) {
    assert.throws(() => textOf(formatReplyHead(200, 0, fields)), { message });
  }
  assert.throws(() => parseReplyHead(`200\n0\n${'n'.repeat(300)}\nv`), { message: /has 300 characters, at most 256/ });
});

test('long values are written as short ones are, and judged as they are', () => {
  const lengths = fc.integer({ min: 60, max: 300 });
  fc.assert(
    fc.property(lengths, fc.constantFrom('a', 'ü', '\t'), (length, char) => {
      const value = char.repeat(length);
      assert.deepEqual(parseTrailers(formatTrailers(['n', value])), ['n', value]);
      for (const bad of ['\n', '\r', '\u010a']) {
        assert.throws(() => formatTrailers(['n', value + bad]), FrameViolation);
        assert.throws(() => formatTrailers(['n'.repeat(length) + bad, 'v']), FrameViolation);
      }
    }),
  );
});

test('an arbitrary text is a head that can be written again, or a violation', () => {
  const text = fc.string({
    unit: fc.constantFrom('\n', '2', '0', '-', 'a', ':', ' ', '\r', '\x7f', 'ÿ'),
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, (input) => {
      try {
        const head = parseReplyHead(input);
        textOf(formatReplyHead(head.status, head.contentLength, head.fields));
      } catch (error) {
        assert.ok(error instanceof FrameViolation);
      }
    }),
    { numRuns: 2000 },
  );
});

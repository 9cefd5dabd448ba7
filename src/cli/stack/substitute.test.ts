import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { substituteVariables } from './substitute.ts';

const env: Record<string, string> = { NAME: 'World', EMPTY: '', path: 'a/b/a' };
const apply = (text: string): string => substituteVariables(text, (name) => env[name]).text;

test('every documented form is replaced', () => {
  const cases: Record<string, string> = {
    '${NAME}': 'World',
    '${NONE}': '',
    '${NONE:-x}': 'x',
    '${EMPTY:-x}': 'x',
    '${EMPTY-x}': '',
    '${NONE-x}': 'x',
    '${NONE:=x}': 'x',
    '${NONE=x}': 'x',
    '${EMPTY=x}': 'x',
    '${NAME:+x}': 'x',
    '${EMPTY:+x}': '',
    '${EMPTY+x}': 'x',
    '${NONE:-}': '',
    '${NONE:-${NAME}!}': 'World!',
    '${#NAME}': '5',
    '${NAME^^}': 'WORLD',
    '${NAME,,}': 'world',
    '${NAME,}': 'world',
    '${NAME:1}': 'orld',
    '${NAME:1:2}': 'or',
    '${path/a/c}': 'c/b/a',
    '${path//a/c}': 'c/b/c',
    '${path/#a/c}': 'c/b/a',
    '${path/#b/c}': 'a/b/a',
    '${path/%a/c}': 'a/b/c',
    '${path#*/}': 'b/a',
    '${path##*/}': 'a',
    '${path%/*}': 'a/b',
    '${path%%/*}': 'a',
    '${NAME#W?r}': 'ld',
    '${NAME%old}': 'World',
    '${NAME#${NONE:-Wo}}': 'rld',
    '${NONE##*}': '',
    'cost $$5 and $5 and $': 'cost $5 and $5 and $',
    '${NONE:-http://127.0.0.1:8080}': 'http://127.0.0.1:8080',
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(apply(text), expected, text);
});

test('what cannot be understood is a problem at the place where it stands', () => {
  const found = substituteVariables('a: ${NAME}\nb: ${NAME!x}\nc: ${NAME', (name) => env[name]).problems;
  assert.deepEqual(
    found.map(({ offset }) => offset),
    [14, 27],
  );
});

test('text without a dollar sign stays as it is, and every offset is its own', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (text, at) => {
      fc.pre(!text.includes('$'));
      const result = substituteVariables(text, () => 'never');
      return result.text === text && result.sourceOffset(at % (text.length + 1)) === at % (text.length + 1);
    }),
  );
});

test('a value is inserted as it is, whatever it holds, and what surrounds it traces back to its own place', () => {
  const plain = fc.string().filter((text) => !text.includes('$'));
  fc.assert(
    fc.property(plain, fc.string(), plain, (before, value, after) => {
      const source = `${before}\${X}${after}`;
      const result = substituteVariables(source, (name) => (name === 'X' ? value : undefined));
      assert.equal(result.text, before + value + after);
      for (let index = 0; index < after.length; index++) {
        assert.equal(result.sourceOffset(before.length + value.length + index), before.length + 4 + index);
      }
      for (let index = 0; index < before.length; index++) assert.equal(result.sourceOffset(index), index);
    }),
  );
});

test('expressions that would fill the memory or the stack are a problem at their place', () => {
  const long = 'x'.repeat(100_000);
  const lookup = (name: string): string | undefined => (name === 'LONG' ? long : undefined);
  for (const text of [`a ${'${LONG}'.repeat(1000)}`, `a \${LONG//x/${long}}`]) {
    const { text: result, problems } = substituteVariables(text, lookup);
    assert.equal(result, '');
    assert.deepEqual(problems.length, 1);
    assert.match(problems[0]?.message ?? '', /more than 4194304 characters/);
  }
  const deep = substituteVariables(`a ${'${NONE:-'.repeat(20_000)}${'}'.repeat(20_000)}`, lookup);
  assert.deepEqual(deep.problems, [{ offset: 2, message: 'expressions are nested more than 100 deep' }]);
  assert.equal(apply(`${'${NONE:-'.repeat(99)}x${'}'.repeat(99)}`), 'x');
});

test('no text at all makes it throw or hang', () => {
  const unit = fc.constantFrom('$', '{', '}', ':', '-', '=', '/', '#', '^', 'A', 'b', '1', '\n', ' ');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
      const result = substituteVariables(text, () => 'v');
      return result.problems.every(({ offset }) => text[offset] === '$');
    }),
    { numRuns: 500 },
  );
});

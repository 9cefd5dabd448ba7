import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectFunctions } from './select-functions.ts';
import type { StackFile, StackFunction } from './stack-file.ts';

function chosen(names: readonly string[], filter: string): string[] {
  const functions = names.map((name) => ({ name }) as StackFunction);
  return selectFunctions({ file: 'stack.yaml', functions } as unknown as StackFile, { filter }).map(({ name }) => name);
}

test('wildcards are over the whole name, and nothing else in a pattern means anything', () => {
  const names = ['hello', 'hello-c', 'help', 'aab'];
  assert.deepEqual(chosen(names, 'hel*'), ['hello', 'hello-c', 'help']);
  assert.deepEqual(chosen(names, 'hel?'), ['help']);
  assert.deepEqual(chosen(names, '*-?'), ['hello-c']);
  assert.deepEqual(chosen(names, '*a*b*'), ['aab']);
  assert.deepEqual(chosen(names, '**'), names);
  for (const filter of ['hel', 'hel.', 'ello', 'h(e)llo', 'aab?', '']) {
    assert.throws(() => chosen(names, filter), { code: 'not-found' }, filter);
  }
});

test('an expression that would go back without end is done at once', () => {
  const functions = [{ name: 'a'.repeat(63) } as StackFunction];
  const stack = { file: 'stack.yaml', functions } as unknown as StackFile;
  assert.throws(() => selectFunctions(stack, { regex: '(a+)+b' }), { code: 'not-found' });
  assert.deepEqual(selectFunctions(stack, { regex: '^(a+)+$' }), functions);
});

test('a pattern of many stars that fits nothing is done at once', () => {
  assert.throws(() => chosen(['a'.repeat(63)], `${'*a'.repeat(40)}*b`), { code: 'not-found' });
});

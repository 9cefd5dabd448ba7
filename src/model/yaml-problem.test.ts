import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { yamlProblem } from './yaml-problem.ts';

const problem = (text: string): string => {
  const [error] = parseDocument(text).errors;
  assert.ok(error !== undefined);
  return yamlProblem(error);
};

test('what a parser notes is told in one line that names neither its functions nor the engine', () => {
  assert.equal(problem(`a: ${'['.repeat(20_000)}`), 'it is nested too deep to be read');
  assert.equal(problem(`${'{a: '.repeat(20_000)}1${'}'.repeat(20_000)}`), 'it is nested too deep to be read');
  assert.equal(
    problem('a: 1\n---\nb: 2\n'),
    'a second document begins here; one file holds one, without "---" between',
  );
  assert.equal(problem('a: 1\na: 2\n'), 'Map keys must be unique');
  assert.equal(parseDocument('---\na: 1\n').errors.length, 0);
});

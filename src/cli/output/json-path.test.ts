import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { evaluateJsonPath, parseJsonPath } from './json-path.ts';

const data = {
  kind: 'List',
  items: [
    { name: 'a', replicas: 2, labels: { 'com.openfaas.scale.min': '1', tier: 'x' }, tags: ['p', 'q'] },
    { name: 'b', replicas: 0, labels: {}, tags: [] },
  ],
};
const apply = (template: string): string => evaluateJsonPath(parseJsonPath(template), data);

test('every documented form gives what kubectl gives', () => {
  const cases: Readonly<Record<string, string>> = {
    '{.kind}': 'List',
    '{kind}': 'List',
    '{$.kind}': 'List',
    'is {.kind}!': 'is List!',
    '{.items[0].name}': 'a',
    '{.items[-1].name}': 'b',
    '{.items[0:2].name}': 'a b',
    '{.items[-1:].name}': 'b',
    '{.items[0].tags[0:2:2]}': 'p',
    '{.items[1,0].name}': 'b a',
    "{.items[*]['name','replicas']}": 'a b 2 0',
    '{.items[0]["name", "none"]}': 'a',
    '{.items[*].name}': 'a b',
    '{..name}': 'a b',
    "{.items[0].labels['com.openfaas.scale.min']}": '1',
    '{.items[0].labels.com\\.openfaas\\.scale\\.min}': '1',
    '{.items[0]["name"]}': 'a',
    '{.items[0].tags}': '["p","q"]',
    '{.items[0].labels.*}': '1 x',
    '{.items[?(@.replicas>0)].name}': 'a',
    '{.items[?(@.name=="b")].replicas}': '0',
    '{.items[?(@.replicas != 2)].name}': 'b',
    '{.items[?(@.labels.tier)].name}': 'a',
    '{range .items[*]}{.name}={.replicas}{"\\n"}{end}': 'a=2\nb=0\n',
    '{.items[*].none}': '',
    '{.none.none}': '',
    '{.items[9].name}': '',
  };
  for (const [template, expected] of Object.entries(cases)) assert.equal(apply(template), expected, template);
});

test('what is no template is refused, saying what is wrong', () => {
  const cases: Readonly<Record<string, RegExp>> = {
    '{.a': /a brace is never closed/,
    '{range .items[*]}{.name}': /\{range\} without \{end\}/,
    '{.name}{end}': /\{end\} without \{range\}/,
    '{.items[}': /"\.items\[" is not a path/,
    '{.items[?(nope)]}': /is not a path/,
    '{.items[0,]}': /is not a path/,
    '{.items[0:2:0]}': /is not a path/,
    '{}': /"" is not a path/,
  };
  for (const [template, expected] of Object.entries(cases)) {
    assert.throws(() => parseJsonPath(template), { code: 'invalid', message: expected }, template);
  }
});

test('no text at all makes it do anything but answer or refuse', () => {
  const unit = fc.constantFrom(
    '{',
    '}',
    '.',
    '[',
    ']',
    '*',
    '?',
    '(',
    ')',
    '@',
    '"',
    "'",
    '\\',
    'a',
    '1',
    ':',
    '-',
    ' ',
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (template) => {
      try {
        return typeof apply(template) === 'string';
      } catch (error) {
        return (error as { code?: string }).code === 'invalid';
      }
    }),
    { numRuns: 1000 },
  );
});

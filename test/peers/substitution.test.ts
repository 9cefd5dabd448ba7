import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { runInTest } from '../../src/cli/testing/test-shell.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { buildFaasCli, runProgram } from './go-program.ts';

/** Every form that envsubst, which faas-cli uses, documents as supported, on a variable with text, an empty one and none. */
const operators = (
  ' ^ ^^ , ,, :2 :1:3 :0:99 :-d :=d =d :-${A} :- /b/X //b/X //no/X ' +
  '/#ab/X /#b/X /%fb/X /%b/X #ab #b ##*b #*b %fb %a %%b* %b* #?b %%*'
).split(' ');
const more = ['${#A}', '${#E}', '$A', '$$', '$${A}', 'a$', '$1', '${A}${U:-x y}${A}'];
const forms = ['A', 'E', 'U'].flatMap((name) => operators.map((operator) => `\${${name}${operator}}`)).concat(more);
const env = { A: 'abcdBfb', E: '' };

const stackOf = (): string => {
  const variables = forms.map((form, index) => `      K${index}: '<${form}>'`).join('\n');
  const provider = 'provider: {name: openfaas, gateway: "http://127.0.0.1:8080"}';
  return `version: 1.0\n${provider}\nfunctions:\n  f:\n    image: x\n    skip_build: true\n    environment:\n${variables}\n`;
};

function environmentIn(text: string): Readonly<Record<string, string>> {
  const documents = parseAllDocuments(text).map((document) => document.toJS() as unknown);
  const found = documents.find((each) => each !== null) as { spec: { environment: Record<string, string> } };
  return found.spec.environment;
}

test('variables in a stack file become what they become with faas-cli, in every form it supports', async (t) => {
  const client = buildFaasCli();
  if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'stack.yml'), stackOf());
  const words = ['generate', '-f', 'stack.yml'];
  const theirs = await runProgram('file' in client ? client.file : '', words, { cwd, env });
  const ours = await runInTest(words, { cwd, env });
  assert.deepEqual([theirs.code, ours.exitCode], [0, 0], `${theirs.output}${ours.stderr}`);
  const [theirValues, ourValues] = [environmentIn(theirs.output), environmentIn(ours.stdout)];
  assert.equal(Object.keys(theirValues).length, forms.length);
  const differences = forms.flatMap((form, index) => {
    const [their, our] = [theirValues[`K${index}`], ourValues[`K${index}`]];
    return their === our ? [] : [`${form}: ${their} there, ${our} here`];
  });
  assert.deepEqual(differences, []);
});

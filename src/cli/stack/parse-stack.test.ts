import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TinderboxError } from '../../model/errors.ts';
import { parseStack } from './parse-stack.ts';
import type { StackFile } from './stack-file.ts';

const parse = (text: string, env: Record<string, string> = {}): StackFile =>
  parseStack({ text, file: 'stack.yaml', directory: '/project', env });

function problemsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  try {
    parse(text, env);
  } catch (error) {
    assert.ok(error instanceof TinderboxError);
    assert.equal(error.code, 'invalid');
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

const whole = `version: "1.0"
provider:
  name: openfaas
  gateway: \${GATEWAY:-http://127.0.0.1:8080}
functions:
  hello:
    lang: node22
    handler: ./hello
    image: \${PREFIX:-local}/hello:1.0
    namespace: team
    skip_build: true
    environment: {DEBUG: true, RATIO: 1.0, EMPTY: , DAY: 2026-01-02}
    environment_file: [env.yml]
    secrets: [api-key]
    constraints: ["node.x == y"]
    labels: {com.openfaas.scale.min: 2}
    annotations: {topic: a}
    limits: {memory: 128Mi, cpu: 100m}
    requests: {memory: 64Mi}
    readonly_root_filesystem: true
    build_options: [dev]
    build_args: {A: 1}
    build_secrets: {id: ./path}
    platforms: "linux/amd64,linux/arm64"
`;

test('every field that faas-cli writes is read, scalars becoming the text they are written as', () => {
  const stack = parse(whole, { PREFIX: 'registry' });
  assert.equal(stack.gateway, 'http://127.0.0.1:8080');
  assert.deepEqual(stack.functions, [
    {
      name: 'hello',
      lang: 'node22',
      handler: '/project/hello',
      image: 'registry/hello:1.0',
      namespace: 'team',
      skipBuild: true,
      environment: { DEBUG: 'true', RATIO: '1.0', EMPTY: '', DAY: '2026-01-02' },
      environmentFiles: ['/project/env.yml'],
      secrets: ['api-key'],
      constraints: ['node.x == y'],
      labels: { 'com.openfaas.scale.min': '2' },
      annotations: { topic: 'a' },
      limits: { memory: '128Mi', cpu: '100m' },
      requests: { memory: '64Mi' },
      readOnlyRootFilesystem: true,
      buildArgs: { A: '1' },
      buildOptions: ['dev'],
      buildSecrets: { id: '/project/path' },
    },
  ]);
});

test('anchors and merge keys are followed', () => {
  const stack = parse('functions:\n  a: &a\n    handler: ./a\n    lang: node\n  b:\n    <<: *a\n    handler: ./b\n');
  assert.deepEqual(
    stack.functions.map((fn) => [fn.name, fn.lang, fn.handler]),
    [
      ['a', 'node', '/project/a'],
      ['b', 'node', '/project/b'],
    ],
  );
});

test('a mistyped field is refused at its place, naming the one that was meant', () => {
  assert.deepEqual(problemsOf('functions:\n  hello:\n    lnag: node\n    handler: ./hello\n'), [
    'stack.yaml:3:5: unknown field "lnag" in functions.hello; did you mean "lang"?',
  ]);
  assert.match(
    problemsOf('functoins:\n  a: {handler: .}\n')[0] ?? '',
    /^stack\.yaml:1:1: unknown field "functoins" at the top; did you mean "functions"\?$/,
  );
});

test('all problems of a file are told at once', () => {
  const found = problemsOf(`provider: {name: knative, gateway: ftp://x}
functions:
  Hello:
    lang: nodde
    handler: ./a
    limits: {memory: lots}
    secrets: ["a/b"]
  second: {skip_build: maybe}
`);
  assert.deepEqual(
    found.map((line) => line.split(':').slice(1, 3).join(':')),
    ['1:18', '1:36', '3:3', '4:11', '6:22', '7:15', '8:3', '8:24'],
  );
  assert.match(found[3] ?? '', /lang "nodde" is not known; did you mean "node"\?/);
  assert.match(found[7] ?? '', /skip_build is "maybe", it must be true or false/);
});

test('a position is counted in the file as it is on disk, not after substitution', () => {
  const text = 'functions:\n  a:\n    image: ${LONG}\n    handler: [x]\n  ${LONG}: {handler: .}\n';
  const found = problemsOf(text, { LONG: 'x'.repeat(70) });
  assert.match(found[0] ?? '', /^stack\.yaml:4:14: functions\.a\.handler must be a text, it is a list$/);
  assert.match(found[1] ?? '', /^stack\.yaml:5:3: function name .* has 70 characters, the limit is 63$/);
});

test('a value that breaks the YAML is reported where its variable stands', () => {
  assert.match(problemsOf('functions:\n  a: {image: ${V}}\n', { V: '"' })[0] ?? '', /^stack\.yaml:[23]:/);
});

test('broken YAML, duplicate keys and wrong shapes are refused with their place', () => {
  assert.match(
    problemsOf('functions:\n  a: {handler: .}\n  a: {handler: .}\n')[0] ?? '',
    /^stack\.yaml:3:3: .*unique/i,
  );
  assert.deepEqual(problemsOf('functions: [a]\n'), ['stack.yaml:1:12: functions must be a map, it is a list']);
  assert.deepEqual(problemsOf('functions:\n  a: {image: a}\n  handler: ./a\n'), [
    'stack.yaml:3:12: functions.handler must be a map, it is "./a"',
  ]);
  assert.match(
    problemsOf('functions:\n  a: {handler: ., labels: [x]}\n')[0] ?? '',
    /^stack\.yaml:2:27: functions\.a\.labels must be a map/,
  );
  assert.match(problemsOf('')[0] ?? '', /^stack\.yaml:1:1: there are no functions/);
  assert.match(problemsOf('just text')[0] ?? '', /must be a map/);
  assert.match(problemsOf('functions: {\n')[0] ?? '', /^stack\.yaml:2:1: /);
});

test('lang dockerfile is refused with what to do instead', () => {
  assert.match(
    problemsOf('functions:\n  a: {lang: dockerfile, handler: .}\n')[0] ?? '',
    /needs a container builder, .*; use lang exec with fprocess/,
  );
});

test('the old provider name and a tag that moves are warnings that say why', () => {
  const stack = parse('provider: {name: faas}\nfunctions:\n  a: {image: "a:latest"}\n  b: {image: "b:latest"}\n');
  assert.deepEqual(stack.warnings, [
    'stack.yaml:1:18: provider.name "faas" is the old spelling of "openfaas", which newer clients refuse',
    'stack.yaml:3:14: functions.a.image (and 1 more): the tag "latest" moves with every build, so it does not say which build is deployed; use a version or --tag',
  ]);
  assert.deepEqual(parse('functions:\n  a: {image: "a:1"}\n  b: {handler: .}\n').warnings, []);
});

test('templates and what is copied are read, and nothing outside of the project is', () => {
  const stack = parse(
    'functions:\n  a: {handler: ., lang: mine@v1}\nconfiguration:\n  templates:\n  - {name: mine@v1, source: "./repo#v1"}\n  - name: other\n  copy: [./common, lib/x]\n',
  );
  assert.deepEqual(stack.templates, [{ name: 'mine@v1', source: './repo#v1' }, { name: 'other' }]);
  assert.deepEqual(stack.copy, ['/project/common', '/project/lib/x']);
  const broken = 'functions:\n  a: {handler: .}\nconfiguration: {copy: [../x, .], templates: [{source: y}]}\n';
  assert.deepEqual(problemsOf(broken), [
    'stack.yaml:3:24: configuration.copy[0] "../x" is not below the folder of the stack file',
    'stack.yaml:3:30: configuration.copy[1] "." is not below the folder of the stack file',
    'stack.yaml:3:46: configuration.templates[0] has no name',
  ]);
});

test('a version of the format that is not there is refused', () => {
  assert.deepEqual(problemsOf('version: "2.0"\nfunctions:\n  a: {handler: .}\n'), [
    'stack.yaml:1:10: version is "2.0", the only one there is is 1.0',
  ]);
});

test('an alias that multiplies without end is refused', () => {
  const bomb = [
    'a: &a [x]',
    ...'bcdefghij'.split('').map((key, i) => `${key}: &${key} [*${'abcdefghi'[i]}, *${'abcdefghi'[i]}]`),
  ];
  assert.ok(problemsOf(bomb.join('\n')).length > 0);
});

test('a map that is merged into itself ends', () => {
  assert.deepEqual(parse('functions:\n  a: &a {handler: ., <<: *a}\n').functions.length, 1);
});

test('ten times as many functions take about ten times as long, and what is there twice is told', () => {
  const stackOf = (count: number): string =>
    `functions:\n${Array.from({ length: count }, (_, index) => `  f${index}: {image: a}\n`).join('')}`;
  const cpuOf = (text: string): number => {
    const before = process.cpuUsage();
    parseStack({ text, file: 'stack.yaml', directory: '/work', env: {} });
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const [few, many] = [stackOf(1500), stackOf(15_000)];
  cpuOf(few);
  const once = Math.min(cpuOf(few), cpuOf(few), cpuOf(few));
  const ratio = cpuOf(many) / once;
  assert.ok(ratio < 30, `${ratio} times as long`);
  const twice = problemsOf(`${few}  f7: {image: b}\n  f9: {image: b}\n`);
  assert.deepEqual(
    twice.map((line) => line.replace(/:3: .*/, '')),
    ['stack.yaml:1502', 'stack.yaml:1503'],
  );
});

test('a text of nothing but mistakes is refused with the first of them', () => {
  const wrong = Array.from({ length: 300 }, (_, index) => `  F_${index}: {image: a}\n`).join('');
  const lines = problemsOf(`functions:\n${wrong}`);
  assert.equal(lines.length, 101);
  assert.equal(lines.at(-1), 'and 200 more');
  assert.deepEqual(problemsOf(`functions: ${'['.repeat(20_000)}`).length, 1);
});

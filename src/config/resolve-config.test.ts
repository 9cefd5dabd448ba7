import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfigFile } from './parse-config-file.ts';
import { resolveConfig } from './resolve-config.ts';

const none = { flags: {}, env: {}, file: {}, buildEnv: {}, home: '/home/ada', uid: 1000 };

test('without any source every default is filled in', () => {
  const config = resolveConfig(none);
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 8080);
  assert.equal(config.stateDir, '/home/ada/.local/share/tinderbox');
  assert.equal(config.runDir, '/home/ada/.local/share/tinderbox-run');
  assert.equal(config.keyFile, '/home/ada/.local/share/tinderbox/secrets.key');
  assert.deepEqual(config.pool, { node: 2, python: 2 });
  assert.ok(Object.isFrozen(config));
});

test('as root the run folder lies outside of any home and differs per data folder', () => {
  const one = resolveConfig({ ...none, uid: 0, flags: { stateDir: '/a' } }).runDir;
  const two = resolveConfig({ ...none, uid: 0, flags: { stateDir: '/b' } }).runDir;
  assert.match(one, /^\/var\/lib\/tinderbox-run\/[0-9a-f]{8}$/);
  assert.notEqual(one, two);
});

test('a flag beats the environment, which beats the file', () => {
  const file = { port: '1', 'limits.body': '1Mi' };
  assert.equal(resolveConfig({ ...none, file }).port, 1);
  assert.equal(resolveConfig({ ...none, file, env: { TINDERBOX_PORT: '2' } }).port, 2);
  assert.equal(resolveConfig({ ...none, file, env: { TINDERBOX_PORT: '2' }, flags: { port: '3' } }).port, 3);
  assert.equal(resolveConfig({ ...none, file, env: { TINDERBOX_LIMITS_BODY: '2Mi' } }).limits.bodyBytes, 2 * 2 ** 20);
});

test('what holds for functions that do not say is only what was given', () => {
  assert.deepEqual(resolveConfig(none).scaling, {});
  const file = { 'scale.zeroDuration': '5m', 'scale.dryRun': 'true', 'prometheus.url': 'http://127.0.0.1:9090' };
  const config = resolveConfig({ ...none, file });
  assert.deepEqual(config.scaling, { zeroAfterMs: 300_000, dryRun: true });
  assert.equal(config.prometheusUrl, 'http://127.0.0.1:9090');
});

for (const [file, message] of [
  [{ port: '70000' }, /setting port is "70000", not a whole number from 0 to 65535/],
  [{ isolation: 'maximal' }, /setting isolation is "maximal", not one of auto, none, namespaces, strict/],
  [{ uids: '5-10' }, /setting uids is "5-10", not a range/],
  [{ 'limits.body': 'much' }, /setting limits.body "much" is not a quantity/],
  [{ 'scale.zeroDuration': '8d' }, /setting scale\.zeroDuration "8d" is not a duration/],
  [{ 'scale.zeroDuration': '200h' }, /"200h" is not between 100ms and 604800000ms/],
  [{ 'scale.dryRun': 'yes' }, /setting scale\.dryRun is "yes", neither true nor false/],
  [{ 'prometheus.url': 'localhost:9090' }, /setting prometheus\.url is "localhost:9090", not an address such as/],
  [{ prot: '80' }, /unknown setting "prot"/],
] as const) {
  test(`${JSON.stringify(file)} is refused with its name and value`, () => {
    assert.throws(() => resolveConfig({ ...none, file }), { name: 'TinderboxError', code: 'config', message });
  });
}

test('a refusal says whether a flag, a variable or the file gave the value', () => {
  const refused = (sources: Partial<Parameters<typeof resolveConfig>[0]>): string => {
    try {
      resolveConfig({ ...none, ...sources });
    } catch (error) {
      return (error as Error).message.replace(/^setting port is "x".* \(given by (.+)\)$/, '$1');
    }
    return 'nothing';
  };
  const file = { port: 'x' };
  assert.equal(refused({ file, fileName: '/etc/tb.yaml' }), '/etc/tb.yaml');
  assert.equal(refused({ file: {}, env: { TINDERBOX_PORT: 'x' } }), 'TINDERBOX_PORT');
  assert.equal(refused({ file, env: { TINDERBOX_PORT: '1' }, flags: { port: 'x' } }), '--port');
});

test('variables of builds that are no map are refused, and none at all is none', () => {
  for (const env of ['[A=b]', 'A=b', '5']) {
    assert.throws(() => parseConfigFile(`build: { env: ${env} }`, 'f'), {
      code: 'config',
      message: /setting build\.env is not a map/,
    });
  }
  assert.deepEqual(parseConfigFile('build: { env: }', 'f').buildEnv, {});
});

test('a file is flattened and the variables of builds are kept apart', () => {
  const parsed = parseConfigFile(
    'port: 9000\nlimits:\n  body: 1Mi\nbuild:\n  concurrent: 3\n  env:\n    PIP_INDEX_URL: http://x\n',
    'f',
  );
  assert.deepEqual(parsed.values, { port: '9000', 'limits.body': '1Mi', 'build.concurrent': '3' });
  assert.deepEqual(parsed.buildEnv, { PIP_INDEX_URL: 'http://x' });
});

test('text that is not YAML is refused with line and column', () => {
  assert.throws(() => parseConfigFile('port: 1\nhost: [\n', 'tinderbox.yaml'), {
    code: 'config',
    message: /^tinderbox\.yaml:3:1: /,
  });
});

for (const [text, message] of [
  ['a: &x 1\nport: *x\n', 'f:2:7: an alias is not followed: write the value'],
  ['host: a\nport: [1]\n', 'f:2:7: setting port is neither text, a number nor true or false'],
  ['limits:\n  body:\n', 'f:2:8: setting limits.body is neither text, a number nor true or false'],
  ['build:\n  env: [A]\n', 'f:2:8: setting build.env is not a map of variables'],
  ['build:\n  env: {A: {B: c}}\n', 'f:2:12: setting build.env.A is neither text, a number nor true or false'],
  ['- port\n', 'f:1:1: a map of settings is expected'],
] as const) {
  test(`a file with ${JSON.stringify(text)} is refused where it is wrong`, () => {
    assert.throws(() => parseConfigFile(text, 'f'), { code: 'config', message });
  });
}

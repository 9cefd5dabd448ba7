import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { assertNothingNoticed, deployBystander } from '../support/bystander.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { tempDir } from '../support/temp-dir.ts';

const long = 'a'.repeat(64);
const nested = '['.repeat(100_000);

/** What is added to a good deployment, and what the answer must name. */
const badDeployments: readonly (readonly [change: object, message: RegExp])[] = [
  [{ service: 'Upper' }, /function name "Upper" is not valid: it must match/],
  [{ service: '../etc' }, /function name "\.\.\/etc" is not valid/],
  [{ service: 'a\u0000b' }, /function name "a\\u0000b" is not valid/],
  [{ service: long }, /has 64 characters, the limit is 63/],
  [{ service: '' }, /^service: "" is empty/],
  [{ service: 7 }, /^service: 7 is not a string/],
  [{ service: undefined }, /^service: is required/],
  [{ namespace: 'No_Such' }, /namespace name "No_Such" is not valid/],
  [{ image: 'absent:latest' }, /image "absent:latest" is not known here.*process engine.*tinderbox build/s],
  [{ image: '' }, /^image: "" is empty/],
  [{ image: '../../etc/passwd' }, /image "\.\.\/\.\.\/etc\/passwd" is not/],
  [{ image: 'b'.repeat(600) }, /^image: .*has more than 512 characters/],
  [{ limits: { memory: 'lots' } }, /limits\.memory "lots" is not a quantity/],
  [{ limits: { memory: '1Mi' } }, /limits\.memory "1Mi" is below the minimum of 16Mi/],
  [{ limits: { memory: '-5Mi' } }, /limits\.memory "-5Mi" is not a quantity/],
  [
    { limits: { memory: '900000Ti' } },
    /limits\.memory "900000Ti" is above the \d+Mi all instances may have.*budget\.memory/,
  ],
  [{ limits: { cpu: 'fast' } }, /limits\.cpu "fast" is not a quantity/],
  [{ limits: { cpu: '1m' } }, /limits\.cpu "1m" is below the minimum of 10m/],
  [{ limits: { cpu: '99999999999' } }, /limits\.cpu "99999999999" is above the maximum of 1024/],
  [{ limits: { disk: '1Gi' } }, /unknown field "limits\.disk"/],
  [{ limits: 'all' }, /^limits: "all" is not an object/],
  [{ requests: { memory: '1 GB' } }, /requests\.memory "1 GB" is not a quantity/],
  [{ labels: { 'com.openfaas.scale.max': '100000' } }, /scale\.max "100000" is not a whole number from 1 to 1000/],
  [{ labels: { 'com.openfaas.scale.min': '5', 'com.openfaas.scale.max': '2' } }, /scale\.min "5" is above .*max "2"/],
  [{ labels: { 'com.openfaas.scale.zero': 'maybe' } }, /scale\.zero "maybe" is neither true nor false/],
  [{ labels: { 'com.openfaas.scale.zero-duration': 'soon' } }, /zero-duration "soon" is not a duration/],
  [{ labels: { a: 1 } }, /^labels\.a: 1 is not a string/],
  [{ labels: { '': 'x' } }, /^labels\.: an empty key is not allowed/],
  [{ labels: { a: 'v'.repeat(5000) } }, /^labels\.a: .*more than 4096 characters/],
  [{ labels: Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`l${n}`, ''])) }, /^labels: .*200 entries/],
  [{ annotations: { 'com.tinderbox.pids': '1' } }, /com\.tinderbox\.pids "1" is not a whole number from 4 to 32768/],
  [{ annotations: { 'com.tinderbox.network': 'vpn' } }, /com\.tinderbox\.network "vpn" is not one of host, none/],
  [{ annotations: { 'com.tinderbox.isolation': 'some' } }, /isolation "some" is not one of auto, none/],
  [{ annotations: { 'com.tinderbox.queue-depth': '-1' } }, /queue-depth "-1" is not a whole number/],
  [{ annotations: ['x'] }, /^annotations: .*is not an object of strings/],
  [{ envVars: { 'a=b': 'x' } }, /^envVars\.a=b: the name must match/],
  [{ envVars: { A: 'x\u0000' } }, /^envVars\.A: .*NUL/],
  [{ envVars: { TINDERBOX_SOCKET: '/x' } }, /envVars\.TINDERBOX_SOCKET: .*belong to the platform/],
  [{ envVars: { exec_timeout: '2 days' } }, /exec_timeout "2 days" is not a duration/],
  [{ envVars: { max_inflight: '1e9' } }, /max_inflight "1e9" is not a whole number/],
  [{ secrets: ['no-such-secret'] }, /secret "no-such-secret" does not exist.*tinderbox secret create/s],
  [{ secrets: ['../key'] }, /secret name "\.\.\/key" is not valid/],
  [{ secrets: 'x' }, /^secrets: "x" is not a list/],
  [{ readOnlyRootFilesystem: 'yes' }, /^readOnlyRootFilesystem: "yes" is neither true nor false/],
  [{ serviec: 'typo' }, /unknown field "serviec"/],
];

const badBodies: readonly (readonly [body: string, message: RegExp])[] = [
  ['', /no body/],
  ['{"service":', /is not JSON/],
  ['null', /is not a JSON object/],
  ['[]', /is not a JSON object/],
  [nested, /nested more than 100 deep/],
  ['{"__proto__":{"polluted":true}}', /unknown field "__proto__"/],
  ['\u0000\u0001\u0002', /is not JSON/],
];

const badStacks: readonly (readonly [yaml: string, message: RegExp])[] = [
  ['functions:\n  one:\n   handler: ./x\n  image: [\n', /stack\.yaml:\d+:\d+: /],
  [
    'functions:\n  one:\n    handler: ./x\n    hanlder: ./y\n',
    /stack\.yaml:4:5: unknown field "hanlder".*did you mean/,
  ],
  ['functions:\n  One:\n    handler: ./x\n', /stack\.yaml:2:3: function name "One" is not valid/],
  ['functions:\n  one:\n    handler: ./x\n    lang: algol\n', /stack\.yaml:4:11: lang "algol" is not known/],
  ['functions:\n  one:\n    image: x\n    limits:\n      memory: lots\n', /stack\.yaml:5:15: .*limits\.memory "lots"/],
  ['functions:\n  one:\n    image: x\n    labels: [a]\n', /stack\.yaml:4:13: .*labels must be a map, it is a list/],
  ['functions:\n  one:\n    image: x\n  one:\n    image: y\n', /stack\.yaml:4:3: .*unique/],
  ['functions:\n  one:\n    image: x\nfuntions: {}\n', /stack\.yaml:4:1: unknown field "funtions" at the top/],
  ['functions:\n  one:\n    image: ${NO END\n', /stack\.yaml:3:12: /],
  ['a: &a [x, x]\nb: &b [*a, *a]\nfunctions: *b\n', /stack\.yaml:\d+:\d+: /],
  [`functions: ${nested}`, /stack\.yaml:1:\d+: it is nested too deep to be read\n$/],
  ['functions: {}\n---\nfunctions: {}\n', /stack\.yaml:2:1: a second document begins here; one file holds one/],
  ['\u0000', /stack\.yaml:1:1: /],
  ['', /stack\.yaml:1:1: there are no functions/],
];

/** Checks a whole table before it fails, and then says which rows are wrong. */
class Table {
  readonly #wrong: string[] = [];

  row(name: string, got: { code: number | null; text: string }, code: number, message: RegExp): void {
    const fine = got.code === code && message.test(got.text) && got.text.length < 1500 && !/ at .*\.ts:/.test(got.text);
    if (!fine) this.#wrong.push(`${name}: ${got.code} ${got.text.slice(0, 400)}; expected ${code} ${String(message)}`);
  }

  assertFine(): void {
    assert.deepEqual(this.#wrong, []);
  }
}

suite('bad input', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform(['--limits-body', '1Mi', '--limits-headers', '16Ki']);
    await deployBystander(platform);
  });
  after(() => platform.dispose());

  async function send(method: string, path: string, body?: string): Promise<{ code: number; text: string }> {
    const answer = await platform.fetch(path, { method, ...(body === undefined ? {} : { body }) });
    return { code: answer.status, text: await answer.text() };
  }

  async function run(args: readonly string[], cwd: string): Promise<{ code: number | null; text: string }> {
    const { code, stderr } = await platform.cli(args, { cwd });
    return { code, text: stderr };
  }

  test('a deployment that breaks a rule is refused with 400, naming field, value and limit', async () => {
    const table = new Table();
    for (const [change, message] of badDeployments) {
      // What exists is updated, what does not is created: both are refused for the same reason.
      const create = JSON.stringify({ service: 'good', image: 'bystander:1', ...change });
      const update = JSON.stringify({ service: 'bystander', image: 'bystander:1', ...change });
      table.row(`POST ${create.slice(0, 200)}`, await send('POST', '/system/functions', create), 400, message);
      table.row(`PUT ${update.slice(0, 200)}`, await send('PUT', '/system/functions', update), 400, message);
    }
    const nowhere = JSON.stringify({ service: 'good', image: 'bystander:1', namespace: 'nowhere' });
    table.row('namespace', await send('POST', '/system/functions', nowhere), 400, /namespace "nowhere"/);
    table.row('namespace', await send('PUT', '/system/functions', nowhere), 404, /namespace "nowhere"/);
    table.assertFine();
    const list = (await (await platform.fetch('/system/functions')).json()) as { name: string }[];
    assert.deepEqual(
      list.map(({ name }) => name),
      ['bystander'],
    );
    await assertNothingNoticed(platform);
  });

  test('a body that is no JSON object is refused by every route that takes one', async () => {
    const routes = [
      ['POST', '/system/functions'],
      ['PUT', '/system/functions'],
      ['POST', '/system/secrets'],
      ['POST', '/system/namespace'],
      ['POST', '/system/scale-function/bystander'],
    ] as const;
    const table = new Table();
    for (const [method, path] of routes) {
      for (const [body, message] of badBodies) {
        table.row(`${method} ${path} ${body.slice(0, 40)}`, await send(method, path, body), 400, message);
      }
    }
    table.assertFine();
    await assertNothingNoticed(platform);
  });

  test('queries and paths of the API that make no sense are refused by name', async () => {
    const cases: readonly (readonly [method: string, path: string, status: number, message: RegExp])[] = [
      ['GET', '/system/functions?namespace=A_B', 400, /namespace name "A_B"/],
      ['GET', '/system/functions?namespace=a&namespace=b', 400, /namespace: is given more than once/],
      ['GET', '/system/function/%00', 400, /function name/],
      ['GET', '/system/function/%ff%fe', 400, /./],
      ['GET', '/system/function/nothere', 404, /"nothere"/],
      ['GET', `/system/function/${'x'.repeat(300)}`, 400, /has 300 characters, the limit is 63/],
      ['GET', `/system/function/${'x'.repeat(1100)}`, 400, /./],
      ['GET', '/system/logs', 422, /name: is required/],
      ['GET', '/system/logs?name=bystander&tail=many', 422, /tail/],
      ['GET', '/system/logs?name=bystander&since=never', 422, /since/],
      ['PATCH', '/system/functions', 405, /^$/],
      ['GET', '/system/nothing', 404, /no such route/],
    ];
    const table = new Table();
    for (const [method, path, status, message] of cases) {
      table.row(`${method} ${path.slice(0, 80)}`, await send(method, path), status, message);
    }
    const below = await send('POST', '/system/scale-function/bystander', '{"replicas":-1}');
    table.row('replicas', below, 400, /replicas/);
    table.assertFine();
    await assertNothingNoticed(platform);
  });

  test('secrets with names or values that cannot be files are refused, and none is made', async () => {
    const cases: readonly (readonly [secret: object, status: number, message: RegExp])[] = [
      [{ name: '../x', value: 'v' }, 400, /secret name "\.\.\/x"/],
      [{ name: '.', value: 'v' }, 400, /secret name "\."/],
      [{ name: 'x' }, 400, /value/],
      [{ name: 'x', value: 1 }, 400, /value/],
      [{ name: 'x', value: 'v', extra: 1 }, 400, /unknown field "extra"/],
      [{ name: 'x', value: 'v'.repeat(2 ** 20 + 1) }, 413, /secret "x" has 1048577 bytes, the limit is 1048576/],
    ];
    const table = new Table();
    for (const [secret, status, message] of cases) {
      const body = JSON.stringify(secret);
      table.row(body.slice(0, 80), await send('POST', '/system/secrets', body), status, message);
    }
    table.assertFine();
    assert.deepEqual(await (await platform.fetch('/system/secrets')).json(), []);
  });

  test('a stack file is refused with file, line and column, exit code 2, and nothing is sent', async (t) => {
    const dir = tempDir(t);
    const table = new Table();
    for (const [yaml, message] of badStacks) {
      writeFileSync(join(dir, 'stack.yaml'), yaml);
      table.row(JSON.stringify(yaml), await run(['deploy', '-f', 'stack.yaml'], dir), 2, message);
    }
    table.assertFine();
  });

  test('the command line says what is wrong, how it can be helped, and exits with the code of the error', async (t) => {
    const dir = tempDir(t);
    mkdirSync(join(dir, 'one'));
    writeFileSync(join(dir, 'one', 'handler.js'), 'module.exports = async () => "";\n');
    const stack = (more: string): string => `functions:\n  one:\n    lang: node\n    handler: ./one\n${more}`;
    const cases: readonly (readonly [args: string[], yaml: string, code: number, message: RegExp])[] = [
      [
        ['deploy', '--image', 'absent:1', '--name', 'one'],
        '',
        2,
        /image "absent:1" is not known here.*tinderbox build/s,
      ],
      [['deploy', '--image', 'absent:1', '--name', 'One'], '', 2, /function name "One" is not valid/],
      [['deploy', '-l', 'novalue', '-f', 'stack.yaml'], stack(''), 2, /"novalue" is not of the form KEY=VALUE/],
      [['deploy', '-f', 'stack.yaml', '--memory-limit', '2Mi'], stack(''), 2, /below the minimum of 16Mi/],
      [['deploy', '-f', 'stack.yaml'], stack('    secrets: [nope]\n'), 2, /secret "nope" does not exist/],
      [['deploy', '-f', 'stack.yaml'], stack('    labels:\n      com.openfaas.scale.max: many\n'), 2, /"many"/],
      [['deploy', '-f', 'absent.yaml'], '', 3, /absent\.yaml/],
      [['deploy', 'absent.js'], '', 3, /absent\.js/],
      [['invoke', 'absent'], '', 3, /absent/],
      [['describe', 'absent'], '', 3, /absent/],
      [['scale', 'bystander', 'many'], '', 2, /"many"/],
      [['secret', 'create', 'bad/name', '--from-literal', 'x'], '', 2, /secret name "bad\/name"/],
      [['lsit'], '', 2, /unknown command 'lsit'/],
      [['list', '--nonsense'], '', 2, /unknown option '--nonsense'/],
    ];
    const table = new Table();
    for (const [args, yaml, code, message] of cases) {
      if (yaml === '') rmSync(join(dir, 'stack.yaml'), { force: true });
      else writeFileSync(join(dir, 'stack.yaml'), yaml);
      table.row(args.join(' '), await run(args, dir), code, message);
    }
    table.assertFine();
    await assertNothingNoticed(platform);
  });

  test('headers over the limit are answered 431', async () => {
    for (const path of ['/function/bystander', '/system/functions', '/healthz', `/function/${'x'.repeat(20_000)}`]) {
      const answer = await fetch(platform.url + path, { headers: { 'x-large': 'x'.repeat(17 * 1024) } });
      assert.equal(answer.status, 431, path);
      assert.match(await answer.text(), /larger than the limit/);
    }
    await assertNothingNoticed(platform);
  });

  test('bodies over the limit are answered 413, of known length and in the middle of chunks', async () => {
    const large = new Uint8Array(6 * 2 ** 20);
    const ways = {
      'known length': (): object => ({ body: large }),
      chunked: (): object => ({ body: new Blob([large]).stream(), duplex: 'half' }),
    };
    const table = new Table();
    for (const path of ['/function/bystander', '/system/functions']) {
      for (const [way, init] of Object.entries(ways)) {
        const answer = await platform.fetch(path, { method: 'POST', ...init() });
        const got = { code: answer.status, text: await answer.text() };
        table.row(`${path} ${way}`, got, 413, /larger than the limit of \d+ bytes/);
      }
    }
    table.assertFine();
    await assertNothingNoticed(platform);
  });
});

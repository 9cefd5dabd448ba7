import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { assertNothingNoticed, deployBystander } from '../support/bystander.ts';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

/** Every route of the control plane there is, and some there are not. */
const routes = [
  'GET /system/functions',
  'POST /system/functions',
  'PUT /system/functions',
  'DELETE /system/functions',
  'GET /system/function/bystander',
  'POST /system/scale-function/bystander',
  'GET /system/secrets',
  'POST /system/secrets',
  'DELETE /system/secrets?name=x',
  'GET /system/namespaces',
  'POST /system/namespace',
  'DELETE /system/namespace/openfaas-fn',
  'GET /system/info',
  'GET /system/images',
  'GET /system/instances',
  'GET /system/logs?name=bystander&follow=1',
  'POST /build',
  'GET /metrics',
  'GET /nothing',
  'OPTIONS /system/functions',
];

/** Ways of writing a path that some server in some place would take for another one. */
const tricks = [
  '/system//functions',
  '//system/functions',
  '/./system/functions',
  '/%73ystem/functions',
  '/system%2ffunctions',
  '/SYSTEM/functions',
  '/healthz/../system/functions',
  '/healthz/..%2fsystem/functions',
  '/healthz;/system/functions',
  '/?/../system/functions',
  '/function/../system/functions',
  '/function/bystander/../../system/functions',
  'http://127.0.0.1/system/functions',
  '\\system\\functions',
  '*',
];

const wrongPasswords = [
  undefined,
  'Basic',
  'Basic !!!!',
  `Basic ${Buffer.from('admin:').toString('base64')}`,
  `Basic ${Buffer.from('admin:wrong').toString('base64')}`,
  `Basic ${Buffer.from('root:root').toString('base64')}`,
  `Basic ${'QUFB'.repeat(2000)}`,
  'Bearer token',
];

suite('strangers', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
    await deployBystander(platform);
    const handler = 'module.exports = async (event) => JSON.stringify(event.headers);\n';
    await deployFiles(platform, 'headers', { 'handler.js': handler });
  });
  after(() => platform.dispose());

  /** The status of a request whose line is sent exactly as given. */
  async function status(line: string, headers: readonly string[] = []): Promise<number> {
    const socket = connect(Number(new URL(platform.url).port), '127.0.0.1');
    const head = [`${line} HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 0', ...headers];
    socket.end(`${head.join('\r\n')}\r\n\r\n`);
    return Number(/^HTTP\/1\.1 (\d+)/.exec(await text(socket))?.[1]);
  }

  async function assertUnchanged(): Promise<void> {
    const functions = (await (await platform.fetch('/system/functions')).json()) as { name: string }[];
    assert.deepEqual(functions.map(({ name }) => name).toSorted(), ['bystander', 'headers']);
    assert.deepEqual(await (await platform.fetch('/system/secrets')).json(), []);
    await assertNothingNoticed(platform);
  }

  test('without the password every route of the control plane answers 401, and so does what is no route', async () => {
    for (const password of wrongPasswords) {
      const headers = password === undefined ? [] : [`Authorization: ${password}`];
      const answers = await Promise.all(routes.map((line) => status(line, headers)));
      const open = routes.filter((_, index) => answers[index] !== 401);
      assert.deepEqual(open, [], `with ${password ?? 'nothing'}`);
    }
    await assertUnchanged();
  });

  test('only /healthz and / are there for everyone, however a path is written', async () => {
    // What is there for everyone is not much: / only says where the portal is.
    assert.deepEqual([await status('GET /healthz'), await status('GET /')], [200, 307]);
    for (const path of tricks) {
      const got = await status(`GET ${path}`);
      assert.ok(
        got === 401 ||
          got === 404 ||
          got === 400 ||
          path.startsWith('/function/bystander/') ||
          // A question mark ends the path: that is / with an odd query.
          (got === 307 && path.startsWith('/?')),
        `${path}: ${got}`,
      );
    }
    for (const line of ['POST /healthz', 'DELETE /', 'PUT /healthz']) assert.equal(await status(line), 401, line);
    await assertUnchanged();
  });

  test('the portal and its way to the API ask for the password too', async () => {
    const paths = ['/', '/app.js', '/style.css', '/system/functions', '/function/bystander', '/healthz'];
    for (const path of paths) assert.equal((await fetch(platform.portalUrl + path)).status, 401, path);
    const { authorization } = platform;
    const outside = ['/function/bystander', '/build', '/../package.json', '/%2e%2e/package.json'];
    for (const path of outside) {
      const answer = await fetch(platform.portalUrl + path, { headers: { authorization } });
      assert.equal(answer.status, 404, path);
    }
  });

  test('the command line with a wrong password says how to log in and exits with 4', async () => {
    const wrong = new URL(platform.url);
    const list = await platform.cli(['list', '--gateway', wrong.href, '--data-dir', '/nonexistent']);
    assert.equal(list.code, 4, list.stderr);
    assert.match(list.stderr, /hint: log in first: tinderbox login/);
    const login = await platform.cli(['login', '--gateway', wrong.href, '-p', 'wrong']);
    assert.equal(login.code, 4, login.stderr);
  });

  test('a page of another site is refused although the browser sends the password', async () => {
    for (const header of [
      'Sec-Fetch-Site: cross-site',
      'Sec-Fetch-Site: same-site',
      // Functions serve pages on the very origin of the API.
      'Sec-Fetch-Site: same-origin',
      'Origin: https://evil.example',
      `Origin: ${platform.url}`,
      'Origin: null',
    ]) {
      for (const line of ['GET /system/functions', 'DELETE /system/functions', 'POST /build', 'POST /system/secrets']) {
        const got = await status(line, [`Authorization: ${platform.authorization}`, header]);
        assert.equal(got, 403, `${line} ${header}`);
      }
    }
    const typed = [`Authorization: ${platform.authorization}`, 'Sec-Fetch-Site: none'];
    assert.equal(await status('GET /system/functions', typed), 200);
    await assertUnchanged();
  });

  test("the platform's password never reaches a function, while a function's own credentials do", async () => {
    const seen = async (authorization: string): Promise<Record<string, string>> => {
      const answer = await fetch(`${platform.url}/function/headers`, { headers: { authorization } });
      return (await answer.json()) as Record<string, string>;
    };
    const [, encoded = ''] = platform.authorization.split(' ');
    for (const way of [platform.authorization, `basic ${encoded}`, `BASIC   ${encoded.replace(/=+$/, '')}`]) {
      const headers = await seen(way);
      assert.equal(headers['authorization'], undefined, way);
      assert.ok(!JSON.stringify(headers).includes(encoded));
    }
    for (const own of ['Bearer of-the-function', `Basic ${Buffer.from('user:of-function').toString('base64')}`]) {
      assert.equal((await seen(own))['authorization'], own);
    }
    await assertUnchanged();
  });
});

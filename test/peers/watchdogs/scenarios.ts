import { type Ask, formatRequest } from './ask-watchdog.ts';
import type { Original } from './find-watchdog.ts';

/** One start of a watchdog, and what it is asked. */
export interface Scenario {
  readonly original: Original;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly asks: readonly Ask[];
}

/** Programs of the functions, by file name. */
export const programs: Readonly<Record<string, string>> = {
  'fail.sh': 'echo some; exit 3',
  'early.sh': 'exit 3',
  'both.sh': 'echo out; echo err >&2',
  'page.sh': 'echo "<html><body>hi"',
  'slow.sh': 'exec sleep 3',
  'env.sh': 'env | grep -i "^http_" | LC_ALL=C sort',
  'up.sh': '[ "$Http_Path" = /up ] && echo yes',
};

const upstream = `
require('node:http').createServer((q, s) => {
  if (q.url === '/slow') return;
  if (q.url === '/garbage') return void q.socket.end('what\\r\\n\\r\\n');
  if (q.url === '/tea') return void s.writeHead(418, [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['X-Up', 'yes'], ['Content-Type', 'a/b']]).end('short');
  if (q.url === '/moved') return void s.writeHead(302, { Location: '/else' }).end();
  let bytes = 0;
  q.on('data', (b) => (bytes += b.length)).on('end', () =>
    s.writeHead(200, { 'Content-Type': 'text/plain' }).end([q.method, q.url, bytes, q.headers.host, q.headers['x-one'], q.headers['content-length']].join(' ')));
}).listen(3000, '127.0.0.1');
`;

/** Other files, below the function's folder. */
export const files: Readonly<Record<string, string>> = {
  'upstream.cjs': upstream,
  'public/index.html': 'home',
  'public/a.css': 'body{}',
  'public/sub/index.html': 'sub',
  'public/list/x.txt': 'x',
  'public/.hidden': 'h',
};

const ask = (name: string, ...rest: Parameters<typeof formatRequest>): Ask => ({
  name,
  requests: [formatRequest(...rest)],
});
const text = ['Content-Type: text/x-own'];

const probes: readonly Ask[] = [
  ask('GET /_/health', 'GET', '/_/health'),
  ask('POST /_/health', 'POST', '/_/health', [], 'x'),
];
const readiness: readonly Ask[] = [
  ask('GET /_/ready', 'GET', '/_/ready'),
  ask('POST /_/ready', 'POST', '/_/ready', [], 'x'),
];
const echoes: readonly Ask[] = [
  ask('GET', 'GET', '/'),
  ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ask(method, method, '/', text, 'hello')),
  ask('POST without a type', 'POST', '/', [], 'hello'),
  ask('HEAD', 'HEAD', '/'),
  ask('OPTIONS', 'OPTIONS', '/'),
];
const environment: readonly Ask[] = [
  ask('told', 'POST', '/a%20b?x=1', ['X-One: 1', 'X-One: 2', 'x_under: 3', 'LD_PRELOAD: /tmp/x.so'], '12345'),
  ask('forged', 'GET', '/', ['Query: forged', 'Method: TRACE', 'Path: /forged']),
  {
    name: 'chunked',
    requests: [
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    ],
  },
];
const malformed: readonly Ask[] = [
  { name: 'NUL in a value', requests: [formatRequest('GET', '/', ['X: a\0b'])] },
  { name: 'NUL in a path', requests: [formatRequest('GET', '/%00')] },
  { name: 'line feed in a value', requests: [formatRequest('GET', '/', ['X: a\nLD_PRELOAD: b'])] },
  { name: 'blank in a name', requests: [formatRequest('GET', '/', ['X Y: a'])] },
];
const crowd: Ask = { name: 'two at once', requests: [formatRequest('GET', '/'), formatRequest('GET', '/')] };

const classic = (name: string, env: Record<string, string>, asks: readonly Ask[]): Scenario => ({
  original: 'classic-watchdog',
  name,
  env,
  asks,
});
const of = (name: string, env: Record<string, string>, asks: readonly Ask[]): Scenario => ({
  original: 'of-watchdog',
  name,
  env,
  asks,
});

const http = { mode: 'http', fprocess: 'node upstream.cjs', upstream_url: 'http://127.0.0.1:3000', exec_timeout: '1s' };
const isUp: Ask = { name: 'up', requests: [formatRequest('GET', '/')], until: 'HTTP/1.1 200' };

export const scenarios: readonly Scenario[] = [
  classic('cat', { fprocess: 'cat' }, [...probes, ...echoes, ...malformed]),
  classic('fail', { fprocess: './fail.sh' }, [ask('POST', 'POST', '/', text, 'x')]),
  classic('late', { fprocess: './slow.sh', exec_timeout: '500ms' }, [ask('GET', 'GET', '/')]),
  classic('late for write_timeout', { fprocess: './slow.sh', write_timeout: '1s' }, [ask('GET', 'GET', '/')]),
  classic('both', { fprocess: './both.sh' }, [ask('GET', 'GET', '/')]),
  classic('apart', { fprocess: './both.sh', combine_output: 'false' }, [ask('GET', 'GET', '/')]),
  classic('page', { fprocess: './page.sh' }, [ask('GET', 'GET', '/')]),
  classic('type', { fprocess: 'cat', content_type: 'image/png' }, [ask('POST', 'POST', '/', text, 'x')]),
  classic('env', { fprocess: './env.sh' }, environment),
  classic('no env', { fprocess: './env.sh', cgi_headers: 'false' }, [ask('GET', 'GET', '/')]),
  classic('marshal', { fprocess: 'cat', marshal_request: 'true' }, [
    ask('POST', 'POST', '/', [...text, 'X-One: <1>'], 'hello'),
    ask('GET', 'GET', '/'),
  ]),
  classic('crowd', { fprocess: './slow.sh', max_inflight: '1' }, [crowd]),
  classic('no lock', { fprocess: 'cat', suppress_lock: 'true' }, probes),
  of('streaming', { mode: 'streaming', fprocess: 'cat' }, [...probes, ...readiness, ...echoes, ...malformed]),
  of('streaming fail', { mode: 'streaming', fprocess: './fail.sh' }, [ask('GET', 'GET', '/')]),
  of('streaming early', { mode: 'streaming', fprocess: './early.sh' }, [ask('GET', 'GET', '/')]),
  of('streaming late', { mode: 'streaming', fprocess: './slow.sh', exec_timeout: '500ms' }, [ask('GET', 'GET', '/')]),
  of('streaming env', { mode: 'streaming', fprocess: './env.sh' }, environment),
  of('streaming type', { mode: 'streaming', fprocess: 'cat', content_type: 'text/css' }, [ask('GET', 'GET', '/')]),
  of('serializing', { mode: 'serializing', fprocess: 'cat' }, [...probes, ...readiness, ...echoes]),
  of('serializing fail', { mode: 'serializing', fprocess: './fail.sh' }, [ask('GET', 'GET', '/')]),
  of('serializing late', { mode: 'serializing', fprocess: './slow.sh', exec_timeout: '500ms' }, [
    ask('GET', 'GET', '/'),
  ]),
  of('http', http, [
    isUp,
    ...probes,
    ...readiness,
    ...echoes,
    ask('headers', 'POST', '/a%20b?x=1', ['X-One: 1'], 'hello'),
    ask('tea', 'GET', '/tea'),
    ask('moved', 'GET', '/moved'),
    ask('garbage', 'GET', '/garbage'),
    ask('late', 'GET', '/slow'),
    ask('late by X-Timeout', 'GET', '/slow', ['X-Timeout: 200ms']),
  ]),
  of('ready_path', { mode: 'serializing', fprocess: './up.sh', ready_path: '/up' }, readiness),
  of('crowd', { mode: 'serializing', fprocess: './slow.sh', max_inflight: '1' }, [crowd]),
  of('no lock', { mode: 'serializing', fprocess: 'cat', suppress_lock: 'true' }, [...probes, ...readiness]),
  of('static', { mode: 'static', static_path: 'public' }, [
    ask('GET /', 'GET', '/'),
    ask('GET /a.css', 'GET', '/a.css'),
    ask('GET /index.html', 'GET', '/index.html'),
    ask('a part', 'GET', '/a.css', ['Range: bytes=1-3']),
    ask('HEAD /a.css', 'HEAD', '/a.css'),
    ask('POST /a.css', 'POST', '/a.css', [], 'x'),
    ask('GET /sub', 'GET', '/sub'),
    ask('GET /list/', 'GET', '/list/'),
    ask('GET /.hidden', 'GET', '/.hidden'),
    ask('GET /nowhere', 'GET', '/nowhere'),
  ]),
];

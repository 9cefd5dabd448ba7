import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, property, string } from 'fast-check';
import type { RequestHead } from '../../frame/head-text.ts';
import { cgiEnvironment } from './cgi-environment.ts';

const head = (target: string, fields: readonly string[]): RequestHead => ({
  method: 'POST',
  target,
  callId: 'c',
  remainingMs: 0,
  contentLength: 3,
  fields,
});

test('whatever a client sends, every name begins with Http_, is one a shell takes, and no value has a NUL', () => {
  const line = string({ unit: 'binary', maxLength: 40 });
  const facts = { Http_Method: 'POST', Http_Content_Length: '3', Http_ContentLength: '3' };
  check(
    property(line, array(line, { maxLength: 20 }), (target, parts) => {
      const env = cgiEnvironment(head(`/${target}`, parts.slice(0, parts.length - (parts.length % 2))));
      for (const [name, value] of Object.entries(env)) {
        assert.match(name, /^Http_[A-Za-z0-9_]+$/);
        assert.ok(!value.includes('\0'));
      }
      assert.deepEqual({ ...env, ...facts }, env);
    }),
  );
});

test('no field passes for what the request itself says', () => {
  const env = cgiEnvironment(
    head('/real', ['Method', 'x', 'PATH', '/x', 'query', 'x=1', 'Content-Length', '9', 'transfer-encoding', 'chunked']),
  );
  assert.deepEqual(env, {
    Http_Method: 'POST',
    Http_Path: '/real',
    Http_ContentLength: '3',
    Http_Content_Length: '3',
  });
});

test('a path is decoded unless that would put something odd into it, and values keep their bytes', () => {
  const pathOf = (target: string): string | undefined => cgiEnvironment(head(target, []))['Http_Path'];
  assert.equal(pathOf('/a%20b/%C3%A9?x=%20'), '/a b/é');
  for (const odd of ['/%00', '/%0a', '/%zz', '/%ff']) assert.equal(pathOf(odd), odd);
  const latin = Buffer.from('é').toString('latin1');
  assert.equal(cgiEnvironment(head('/', ['X-Name', latin]))['Http_X_Name'], 'é');
});

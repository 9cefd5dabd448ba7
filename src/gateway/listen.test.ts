import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { listenOn } from './listen.ts';

test('a port that is taken and an address that is not here are refused with a hint that helps', async (t) => {
  const first = createServer();
  t.after(() => first.close());
  const port = await listenOn(first, '127.0.0.1', 0, '--port');
  await assert.rejects(listenOn(createServer(), '127.0.0.1', port, '--port'), {
    code: 'conflict',
    hint: 'end the program that holds the port, or choose another one with --port',
  });
  // Of a block that is kept for documentation (RFC 5737).
  await assert.rejects(listenOn(createServer(), '192.0.2.1', 0, '--port'), {
    code: 'config',
    message: /^cannot listen on 192\.0\.2\.1:0: /,
    hint: '--host is to be an address of this machine, such as 127.0.0.1',
  });
});

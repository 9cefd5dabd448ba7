import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { createCallbackSigner } from './callback-signer.ts';

test('a secret that is not there is made, private, and signs as HMAC-SHA256', async (t) => {
  const file = join(tempDir(t), 'callback-secret');
  const sign = await createCallbackSigner(file);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const made = readFileSync(file, 'utf8');
  assert.match(made, /^[0-9a-f]{64}\n$/);
  assert.equal(
    (await createCallbackSigner(file))(Buffer.from('x')),
    sign(Buffer.from('x')),
    'the next start has the same',
  );
  // RFC 4231, section 4.3.
  writeFileSync(file, ' Jefe\n');
  const known = 'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
  assert.equal((await createCallbackSigner(file))(Buffer.from('what do ya want for nothing?')), known);
});

test('one that is empty, too long or open to others is refused by its name', async (t) => {
  const file = join(tempDir(t), 'callback-secret');
  for (const [text, mode, message] of [
    ['\n', 0o600, /^the callback secret .*callback-secret\S* has 0 characters, not 1 to 1024$/],
    ['x'.repeat(1025), 0o600, /has 1025 characters/],
    ['secret', 0o644, /has mode 0644/],
  ] as const) {
    const named = `${file}-${mode}-${text.length}`;
    writeFileSync(named, text, { mode });
    await assert.rejects(createCallbackSigner(named), { code: 'config', message });
  }
});

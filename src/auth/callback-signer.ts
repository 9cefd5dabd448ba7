import { createHmac } from 'node:crypto';
import { readSharedSecret } from './shared-secret.ts';

/**
 * Signs the bodies of callbacks with the secret of a file (shared-secret.ts), as OpenFaaS signs what it posts to others:
 * `sha256=` and the HMAC-SHA256 in hex. Throws `config`.
 */
export async function createCallbackSigner(file: string): Promise<(body: Uint8Array) => string> {
  const secret = await readSharedSecret({ what: 'the callback secret', file });
  return (body) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

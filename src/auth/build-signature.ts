import { createHmac, timingSafeEqual } from 'node:crypto';
import { TinderboxError } from '../model/errors.ts';
import { readSharedSecret } from './shared-secret.ts';

/** Header of OpenFaaS's Function Builder API: `sha256=` and the HMAC-SHA256 of the body in hex. */
export const signatureHeader = 'x-build-signature';

/** Judges one body while it passes; made for its header before the first byte is taken. */
export interface SignatureCheck {
  update(chunk: Uint8Array): void;
  /** Throws `unauthenticated` unless all that passed has the signature. Takes constant time. */
  assert(): void;
}

/** The payload secret that who may build shares with the platform, as OpenFaaS's builder has it. */
export interface BuildSignatures {
  /** Throws `unauthenticated` for a header that is no signature at all. */
  check(header: string): SignatureCheck;
}

/** With the secret of a file (shared-secret.ts). Throws `config`. */
export async function createBuildSignatures(file: string): Promise<BuildSignatures> {
  const secret = await readSharedSecret({ what: 'the payload secret', file });
  return {
    check(header) {
      const match = /^sha256=([0-9a-f]{64})$/i.exec(header.trim());
      if (match === null) {
        throw new TinderboxError('unauthenticated', 'X-Build-Signature is not of the form sha256=<64 hex digits>');
      }
      const given = Buffer.from(match[1] ?? '', 'hex');
      const hmac = createHmac('sha256', secret);
      return {
        update: (chunk) => void hmac.update(chunk),
        assert() {
          if (timingSafeEqual(hmac.digest(), given)) return;
          throw new TinderboxError('unauthenticated', 'X-Build-Signature is not that of the body', {
            hint: 'sign with the payload secret of this platform, file payload-secret of its data folder unless set otherwise',
          });
        },
      };
    },
  };
}

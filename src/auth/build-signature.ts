import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { TinderboxError } from '../model/errors.ts';
import { readPrivateFile, writePrivateFile } from '../store/private-file.ts';

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

const what = 'the payload secret';
const maxSecretChars = 1024;

/**
 * The secret is what the file holds without white space around it, as faas-cli reads it. A file that is not there is
 * made, 0600, like the password. Throws `config` when it cannot be read, is empty, or may be read by others.
 */
export async function createBuildSignatures(file: string): Promise<BuildSignatures> {
  const secret = (await readPrivateFile({ what, file }))?.trim() ?? (await makeSecret(file));
  if (secret === '' || secret.length > maxSecretChars) {
    throw new TinderboxError('config', `${what} ${file} has ${secret.length} characters, not 1 to ${maxSecretChars}`);
  }
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

async function makeSecret(file: string): Promise<string> {
  const secret = randomBytes(32).toString('hex');
  await writePrivateFile({ what, file }, `${secret}\n`);
  return secret;
}

import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { TinderboxError } from '../model/errors.ts';

const algorithm = 'aes-256-gcm';
/** Length of a key. */
export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** A key and its name. The id is derived from the key, so a key that was mistyped cannot pass for another. */
export interface Key {
  readonly id: string;
  readonly bytes: Buffer;
}

/** The current key first; the others only decrypt. */
export type KeyRing = readonly [Key, ...Key[]];

/** What is stored of a value: base64 of nonce, ciphertext and tag, and which key made it. */
export interface Sealed {
  readonly keyId: string;
  readonly data: string;
}

export function createKey(): Key {
  return keyFromBytes(randomBytes(keyBytes));
}

/** Throws `config` unless there are exactly 32 bytes. */
export function keyFromBytes(bytes: Buffer): Key {
  if (bytes.length !== keyBytes) {
    throw new TinderboxError('config', `a secrets key has ${bytes.length} bytes, it must have ${keyBytes}`);
  }
  return { id: hash('sha256', Buffer.concat([Buffer.from('tinderbox secrets key\0'), bytes])).slice(0, 16), bytes };
}

/** Encrypts with the current key, AES-256-GCM and a random nonce. `context` must be given again to decrypt. */
export function seal(ring: KeyRing, context: string, value: Buffer): Sealed {
  const [key] = ring;
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key.bytes, nonce).setAAD(Buffer.from(context));
  const parts = [nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()];
  return { keyId: key.id, data: Buffer.concat(parts).toString('base64') };
}

/** Throws `config` when the key is not in the ring, or the data is not what was sealed under this context. */
export function unseal(ring: KeyRing, context: string, sealed: Sealed): Buffer {
  const key = ring.find(({ id }) => id === sealed.keyId);
  if (key === undefined) {
    throw new TinderboxError(
      'config',
      `${context} is encrypted with key ${sealed.keyId}, which is not in the key file`,
    );
  }
  const data = Buffer.from(sealed.data, 'base64');
  try {
    const decipher = createDecipheriv(algorithm, key.bytes, data.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(context)).setAuthTag(data.subarray(data.length - tagBytes));
    return Buffer.concat([decipher.update(data.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch (cause) {
    throw new TinderboxError('config', `${context} was changed in the store, or belongs to another name`, { cause });
  }
}

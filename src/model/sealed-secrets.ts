import { TinderboxError } from './errors.ts';
import { loadNacl } from './load-nacl.ts';

/**
 * Secrets of a build, sealed for one builder: each value on its own as base64 of nonce and NaCl box (Curve25519,
 * XSalsa20, Poly1305), names in the clear. The format is that of OpenFaaS's `faas-cli secret seal`, version v1; here it
 * is data, whoever writes it down chooses YAML.
 */
export interface SealedSecrets {
  readonly version: 'v1';
  readonly algorithm: 'nacl/box';
  /** First 8 characters of the receiver's public key. */
  readonly key_id: string;
  /** The sender's, made for this envelope. */
  readonly public_key: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Both base64 of 32 bytes. */
export interface SealingKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Bytes of a Curve25519 key, public or private. */
export const keyLength = 32;

export function createSealingKeys(): SealingKeys {
  const { publicKey, secretKey } = loadNacl().box.keyPair();
  return { publicKey: encode(publicKey), privateKey: encode(secretKey) };
}

/** Throws `invalid` for a private key that is none. */
export function publicKeyOf(privateKey: string): string {
  const { publicKey } = loadNacl().box.keyPair.fromSecretKey(decodeKey(privateKey, 'private key'));
  return encode(publicKey);
}

/** The short name of a key. Throws `invalid` for what is no key. */
export function keyIdOf(publicKey: string): string {
  return encode(decodeKey(publicKey, 'public key')).slice(0, 8);
}

/** Throws `invalid` for a public key that is none. */
export function sealSecrets(publicKey: string, values: Readonly<Record<string, Uint8Array>>): SealedSecrets {
  const nacl = loadNacl();
  const receiver = decodeKey(publicKey, 'public key');
  const sender = nacl.box.keyPair();
  const secrets = Object.entries(values).map(([name, value]) => {
    const nonce = nacl.randomBytes(nacl.box.nonceLength);
    const box = nacl.box(new Uint8Array(value), nonce, receiver, sender.secretKey);
    return [name, Buffer.concat([nonce, box]).toString('base64')] as const;
  });
  return {
    version: 'v1',
    algorithm: 'nacl/box',
    key_id: keyIdOf(publicKey),
    public_key: encode(sender.publicKey),
    secrets: Object.fromEntries(secrets),
  };
}

/** Opens all values, or the named one. Throws `invalid` for another key, `not-found` for an unknown name. */
export function unsealSecrets(privateKey: string, sealed: SealedSecrets, name?: string): Record<string, Buffer> {
  const key = decodeKey(privateKey, 'private key');
  const sender = decodeKey(sealed.public_key, 'public_key of the sealed secrets');
  if (name !== undefined && !Object.hasOwn(sealed.secrets, name)) {
    throw new TinderboxError('not-found', `the sealed secrets hold no "${name}"`, {
      hint: `they hold: ${Object.keys(sealed.secrets).join(', ')}`,
    });
  }
  const wanted = Object.entries(sealed.secrets).filter(([candidate]) => name === undefined || candidate === name);
  return Object.fromEntries(wanted.map(([entry, text]) => [entry, open(entry, text, sender, key)]));
}

function open(name: string, text: string, sender: Uint8Array, key: Uint8Array): Buffer {
  const { box } = loadNacl();
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  const isLongEnough = bytes.length >= box.nonceLength;
  const opened = isLongEnough
    ? box.open(bytes.slice(box.nonceLength), bytes.slice(0, box.nonceLength), sender, key)
    : null;
  if (opened !== null) return Buffer.from(opened);
  throw new TinderboxError('invalid', `sealed secret "${name}" does not open: another key, or changed on its way`);
}

/** Checks what was read from somewhere; `key_id` may be missing. Throws `invalid`, naming the part that is wrong. */
export function parseSealedSecrets(value: unknown): SealedSecrets {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notSealed('it is not a map');
  const { version, algorithm, key_id: keyId = '', public_key: publicKey, secrets } = value as Partial<SealedSecrets>;
  if (version !== 'v1') throw notSealed('"version"');
  if (algorithm !== 'nacl/box') throw notSealed('"algorithm"');
  if (typeof keyId !== 'string') throw notSealed('"key_id"');
  if (typeof publicKey !== 'string') throw notSealed('"public_key"');
  if (typeof secrets !== 'object' || secrets === null || Array.isArray(secrets)) throw notSealed('"secrets"');
  const wrong = Object.keys(secrets).find((name) => typeof secrets[name] !== 'string');
  if (wrong !== undefined) throw notSealed(`"secrets.${wrong}"`);
  return { version, algorithm, key_id: keyId, public_key: publicKey, secrets };
}

function notSealed(part: string): TinderboxError {
  return new TinderboxError('invalid', `no sealed secrets of version v1 and algorithm nacl/box: ${part}`);
}

function decodeKey(text: string, what: string): Uint8Array {
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.length === keyLength) return new Uint8Array(bytes);
  throw new TinderboxError('invalid', `the ${what} is not base64 of ${keyLength} bytes`);
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

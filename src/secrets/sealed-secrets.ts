import { randomBytes } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { TinderboxError } from '../model/errors.ts';
import { loadNacl } from '../model/load-nacl.ts';
import { assertSecretName } from '../model/names.ts';
import { keyIdOf, keyLength, openSealedValue } from '../model/sealed-secrets.ts';
import { readPrivateFile, writePrivateFile } from '../store/private-file.ts';

/** What `GET /publickey` tells, in the words of OpenFaaS's builder. */
export interface PublicKey {
  /** First eight characters of the key, as OpenFaaS's clients derive it. */
  readonly key_id: string;
  readonly algorithm: 'nacl/box';
  /** Curve25519, base64. */
  readonly public_key: string;
}

/** Opens what was sealed for this platform: secrets that come with a source and that nobody on the way can read. */
export interface SealedSecrets {
  readonly publicKey: PublicKey;
  /** Names to values. Throws `invalid`, naming the part that is wrong and never a value. */
  open(envelope: string): Readonly<Record<string, Buffer>>;
}

const what = 'the key of sealed build secrets';
const maxSecrets = 100;

/** OpenFaaS's sealed envelope: each value is base64 of a 24-byte nonce and the NaCl box made with `public_key`. */
const envelopeSchema = z.object({
  version: z.literal('v1'),
  algorithm: z.literal('nacl/box'),
  key_id: z.string().optional(),
  public_key: z.string(),
  secrets: z.record(z.string(), z.string()),
});

/** Reads the private key from the file, or makes it there, 0600. Throws `config`. */
export async function createSealedSecrets(file: string): Promise<SealedSecrets> {
  const secretKey = parseKey(file, await readPrivateFile({ what, file })) ?? (await makeKey(file));
  let known: PublicKey | undefined;
  const publicKey = (): PublicKey => (known ??= publicKeyOf(secretKey));
  return {
    get publicKey() {
      return publicKey();
    },
    open: (envelope) => openEnvelope(envelope, publicKey(), secretKey),
  };
}

function publicKeyOf(secretKey: Uint8Array): PublicKey {
  const own = loadNacl().box.keyPair.fromSecretKey(secretKey);
  const text = Buffer.from(own.publicKey).toString('base64');
  return { key_id: keyIdOf(text), algorithm: 'nacl/box', public_key: text };
}

function openEnvelope(text: string, own: PublicKey, secretKey: Uint8Array): Record<string, Buffer> {
  const envelope = parseEnvelope(text);
  if (envelope.key_id !== undefined && envelope.key_id !== own.key_id) {
    throw invalid(`sealed for key "${envelope.key_id.slice(0, 20)}", this platform has "${own.key_id}"`);
  }
  const sender = Buffer.from(envelope.public_key, 'base64');
  if (sender.length !== keyLength) throw invalid('their public_key is not 32 bytes in base64');
  const entries = Object.entries(envelope.secrets);
  if (entries.length > maxSecrets) throw invalid(`${entries.length} of them, the limit is ${maxSecrets}`);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      assertSecretName(name);
      const opened = openSealedValue(value, sender, secretKey);
      if (opened === undefined) throw invalid(`"${name}" does not open with the key of this platform`);
      return [name, opened];
    }),
  );
}

function parseEnvelope(text: string): z.infer<typeof envelopeSchema> {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch {
    throw invalid('not YAML');
  }
  const parsed = envelopeSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.join('.') ?? '';
  throw invalid(`no envelope of version v1 and algorithm nacl/box: ${path === '' ? 'it is not a map' : `"${path}"`}`);
}

function invalid(why: string): TinderboxError {
  return new TinderboxError('invalid', `the sealed build secrets cannot be used: ${why}`, {
    hint: 'seal them with the key that GET /publickey tells',
  });
}

function parseKey(file: string, text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.length === keyLength) return bytes;
  throw new TinderboxError('config', `${what} ${file} is not ${keyLength} bytes in base64`);
}

async function makeKey(file: string): Promise<Uint8Array> {
  const secretKey = randomBytes(keyLength);
  await writePrivateFile({ what, file }, `${secretKey.toString('base64')}\n`);
  return secretKey;
}

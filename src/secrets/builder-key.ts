import { randomBytes } from 'node:crypto';
import { TinderboxError } from '../model/errors.ts';
import { assertSecretName } from '../model/names.ts';
import { keyIdOf, keyLength, parseSealedSecrets, publicKeyOf, unsealSecrets } from '../model/sealed-secrets.ts';
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
export interface BuilderKey {
  readonly publicKey: PublicKey;
  /** Names to values of sealed secrets in YAML. Rejects with `invalid`, naming the part that is wrong and never a value. */
  open(envelope: string): Promise<Readonly<Record<string, Buffer>>>;
}

const what = 'the key of sealed build secrets';
const maxSecrets = 100;

/** Reads the private key from the file, or makes it there, 0600. Throws `config`. */
export async function createBuilderKey(file: string): Promise<BuilderKey> {
  const privateKey = assertKey(file, await readPrivateFile({ what, file })) ?? (await makeKey(file));
  let known: PublicKey | undefined;
  // Not before it is asked for: what computes it costs some megabytes.
  const publicKey = (): PublicKey => (known ??= describeKey(privateKey));
  return {
    get publicKey() {
      return publicKey();
    },
    open: (envelope) => openEnvelope(envelope, publicKey(), privateKey),
  };
}

function describeKey(privateKey: string): PublicKey {
  const text = publicKeyOf(privateKey);
  return { key_id: keyIdOf(text), algorithm: 'nacl/box', public_key: text };
}

async function openEnvelope(text: string, own: PublicKey, privateKey: string): Promise<Record<string, Buffer>> {
  // With the first envelope: its seventy modules would cost every start.
  const { parse } = await import('yaml');
  try {
    const sealed = parseSealedSecrets(parseYaml(text, parse));
    if (sealed.key_id !== '' && sealed.key_id !== own.key_id) {
      throw invalid(`sealed for key "${sealed.key_id.slice(0, 20)}", this platform has "${own.key_id}"`);
    }
    const names = Object.keys(sealed.secrets);
    if (names.length > maxSecrets) throw invalid(`${names.length} of them, the limit is ${maxSecrets}`);
    for (const name of names) assertSecretName(name);
    return unsealSecrets(privateKey, sealed);
  } catch (cause) {
    const { message } = TinderboxError.from(cause);
    throw new TinderboxError('invalid', `the sealed build secrets cannot be used: ${message}`, {
      hint: 'seal them with the key that GET /publickey tells',
      cause,
    });
  }
}

function parseYaml(text: string, parse: typeof import('yaml').parse): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch {
    throw invalid('not YAML');
  }
}

function invalid(why: string): TinderboxError {
  return new TinderboxError('invalid', why);
}

/** Base64 of the right length. */
function assertKey(file: string, text: string | undefined): string | undefined {
  if (text === undefined || Buffer.from(text.trim(), 'base64').length === keyLength) return text?.trim();
  throw new TinderboxError('config', `${what} ${file} is not ${keyLength} bytes in base64`);
}

async function makeKey(file: string): Promise<string> {
  const privateKey = randomBytes(keyLength).toString('base64');
  await writePrivateFile({ what, file }, `${privateKey}\n`);
  return privateKey;
}

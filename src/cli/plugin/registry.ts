import { createHash } from 'node:crypto';
import { TinderboxError } from '../../model/errors.ts';
import { createPatientFetch, type HttpReply } from '../../client/fetch.ts';
import { isLoopback } from '../connection/gateway.ts';

/** An image of a registry, as `REGISTRY/PATH:TAG` names it. */
export interface ImageReference {
  readonly host: string;
  readonly path: string;
  readonly tag: string;
}

/** Reads images from a registry that speaks the OCI distribution protocol, without a login. */
export interface Registry {
  /** The layers of an image for a platform, unpacked in this order. Throws `not-found`, naming what there is. */
  layers(os: string, architecture: string): Promise<readonly Descriptor[]>;
  /** The content of a layer, checked against its digest. */
  blob(layer: Descriptor): Promise<Buffer>;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface PlatformDescriptor extends Descriptor {
  readonly platform?: { readonly os?: string; readonly architecture?: string };
}

/** Kinds of lists and of images: OCI's and Docker's. */
const accepted = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const maxBlobBytes = 512 * 2 ** 20;
const maxRedirects = 3;

/** Source: https://github.com/opencontainers/distribution-spec; tokens as in Docker's registry authentication. */
export function openRegistry(reference: ImageReference, signal: AbortSignal): Registry {
  const scheme = isLoopback(`http://${reference.host}`) ? 'http' : 'https';
  const base = `${scheme}://${reference.host}/v2/${reference.path}`;
  const request = createRequest(reference, signal);
  const manifest = async (name: string): Promise<Record<string, unknown>> => {
    const reply = await request(`${base}/manifests/${name}`, accepted);
    return JSON.parse(await reply.text()) as Record<string, unknown>;
  };
  return {
    layers: async (os, architecture) => {
      const found = await manifest(reference.tag);
      const listed = found['manifests'] as readonly PlatformDescriptor[] | undefined;
      if (listed === undefined) return (found['layers'] ?? []) as readonly Descriptor[];
      const chosen = listed.find(({ platform }) => platform?.os === os && platform.architecture === architecture);
      if (chosen === undefined) throw noPlatform(reference, `${os}/${architecture}`, listed);
      return ((await manifest(chosen.digest))['layers'] ?? []) as readonly Descriptor[];
    },
    blob: async ({ digest, size }) => {
      if (size > maxBlobBytes) {
        throw new TinderboxError(
          'too-large',
          `a layer of ${reference.path} has ${size} bytes, the limit is ${maxBlobBytes}`,
        );
      }
      const bytes = await readAll(await request(`${base}/blobs/${digest}`, '*/*'), size);
      if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` === digest) return bytes;
      throw new TinderboxError('bad-reply', `a layer of ${reference.path} is not what its digest ${digest} says`);
    },
  };
}

function noPlatform(reference: ImageReference, wanted: string, listed: readonly PlatformDescriptor[]): TinderboxError {
  const names = listed.map(({ platform }) => `${platform?.os}/${platform?.architecture}`).join(', ');
  return new TinderboxError('not-found', `${reference.path}:${reference.tag} is not there for ${wanted}`, {
    hint: `it is for: ${names}`,
  });
}

function createRequest(reference: ImageReference, signal: AbortSignal) {
  const fetch = createPatientFetch({ anyCertificate: false });
  let token: string | undefined;
  const send = async (url: string, accept: string, redirects: number): Promise<HttpReply> => {
    const own = new URL(url).host === reference.host;
    const headers = { accept, ...(token === undefined || !own ? {} : { authorization: `Bearer ${token}` }) };
    const reply = await fetch(url, { method: 'GET', headers, redirect: 'manual', signal }).catch((cause: unknown) => {
      throw new TinderboxError('unavailable', `the registry ${reference.host} cannot be reached`, { cause });
    });
    const location = reply.headers.get('location');
    if (reply.status >= 300 && reply.status < 400 && location !== null && redirects > 0) {
      return send(new URL(location, url).href, accept, redirects - 1);
    }
    return reply;
  };
  return async (url: string, accept: string): Promise<HttpReply> => {
    const first = await send(url, accept, maxRedirects);
    if (first.status !== 401 || token !== undefined) return checked(reference, first);
    token = await fetchToken(first.headers.get('www-authenticate') ?? '', send);
    return checked(reference, await send(url, accept, maxRedirects));
  };
}

function checked(reference: ImageReference, reply: HttpReply): HttpReply {
  if (reply.status === 200) return reply;
  const name = `${reference.host}/${reference.path}:${reference.tag}`;
  if (reply.status === 404) throw new TinderboxError('not-found', `there is no ${name}`);
  throw new TinderboxError('bad-reply', `the registry answered ${reply.status} for ${name}`);
}

async function fetchToken(
  challenge: string,
  send: (url: string, accept: string, redirects: number) => Promise<HttpReply>,
): Promise<string> {
  const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1], match[2] ?? '']));
  const url = URL.parse(fields.get('realm') ?? '');
  if (url === null) throw new TinderboxError('unauthenticated', 'the registry asks for a login');
  for (const name of ['service', 'scope']) {
    const value = fields.get(name);
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const reply = await send(url.href, 'application/json', 0);
  const { token, access_token: other } = JSON.parse(await reply.text()) as { token?: string; access_token?: string };
  const found = token ?? other;
  if (found === undefined) throw new TinderboxError('unauthenticated', `${url.host} gives no token without a login`);
  return found;
}

async function readAll(reply: HttpReply, size: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.length;
    if (bytes > size) throw new TinderboxError('bad-reply', `a layer is longer than the ${size} bytes it should have`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

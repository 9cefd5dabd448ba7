import { createHash } from 'node:crypto';

const algorithms = ['sha512', 'sha384', 'sha256', 'sha224', 'sha1', 'md5', 'sha3-256', 'sha3-512'];

/** The digest of the body, whatever its size, as `sha512sum` prints it; `?algorithm=sha256` takes another. */
export default {
  async fetch(request) {
    const algorithm = new URL(request.url).searchParams.get('algorithm') ?? 'sha512';
    if (!algorithms.includes(algorithm)) {
      return new Response(`algorithm is not one of ${algorithms.join(', ')}\n`, { status: 400 });
    }
    const hash = createHash(algorithm);
    for await (const chunk of request.body ?? []) hash.update(chunk);
    return new Response(`${hash.digest('hex')}  -\n`, { headers: { 'content-type': 'text/plain' } });
  },
};

const maxBytes = 16 * 1024 * 1024;

/** Bytes in, base64 out; `?decode` the other way round, `?url` in the alphabet of URLs (RFC 4648, section 5). */
export default {
  async fetch(request) {
    const query = new URL(request.url).searchParams;
    const body = Buffer.from(await request.arrayBuffer());
    if (body.length > maxBytes) return refuse(413, `the body has ${body.length} bytes, the limit is ${maxBytes}`);
    const alphabet = query.has('url') ? 'base64url' : 'base64';
    if (!query.has('decode')) return new Response(`${body.toString(alphabet)}\n`);
    const decoded = decode(body.toString('latin1'), alphabet);
    if (decoded === undefined) return refuse(400, `the body is not ${alphabet}`);
    return new Response(decoded, { headers: { 'content-type': 'application/octet-stream' } });
  },
};

/** Node's own decoder takes anything and leaves out what it does not know. */
function decode(text, alphabet) {
  const letters = text.replace(/[\t\n\r ]+/g, '').replace(/={1,2}$/, '');
  const known = alphabet === 'base64url' ? /^[A-Za-z0-9_-]*$/ : /^[A-Za-z0-9+/]*$/;
  return known.test(letters) && letters.length % 4 !== 1 ? Buffer.from(letters, alphabet) : undefined;
}

function refuse(status, reason) {
  return new Response(`${reason}\n`, { status });
}

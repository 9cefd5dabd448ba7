const hidden = ['authorization', 'cookie', 'proxy-authorization'];
const maxShown = 64 * 1024;

/** The request as it arrived, in the answer and in the log. Credentials are left out of both. */
export default {
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    const head = [...request.headers].map(([name, value]) => `${name}: ${hidden.includes(name) ? '(hidden)' : value}`);
    const body = await request.text();
    const shown = body.length > maxShown ? `${body.slice(0, maxShown)}…` : body;
    const text = `${request.method} ${pathname}${search}\n${head.join('\n')}\n\n${shown}`;
    console.log(text);
    return new Response(`${text}\n`, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
  },
};

import figlet from 'figlet';

const maxChars = 1000;
const plain = { 'content-type': 'text/plain; charset=utf-8' };

/** Text in, a banner of letters out. `?font=Slant` takes another of figlet's fonts, `?width=80` says where lines break. */
export default {
  async fetch(request) {
    const query = new URL(request.url).searchParams;
    const text = (await request.text()).trimEnd();
    const font = query.get('font') ?? 'Standard';
    const width = Number(query.get('width') ?? 80);
    if (text === '') return refuse('send the text of the banner as the body');
    if (text.length > maxChars) return refuse(`the text has ${text.length} characters, the limit is ${maxChars}`);
    if (!figlet.fontsSync().includes(font))
      return refuse(`there is no font "${font}"; some are Standard, Slant, Big, Small`);
    if (!Number.isInteger(width) || width < 10 || width > 1000) return refuse('width is not a number from 10 to 1000');
    return new Response(`${figlet.textSync(text, { font, width, whitespaceBreak: true })}\n`, { headers: plain });
  },
};

function refuse(reason) {
  return new Response(`${reason}\n`, { status: 400, headers: plain });
}

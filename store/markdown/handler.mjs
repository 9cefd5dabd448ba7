import MarkdownIt from 'markdown-it';

// HTML inside the text is shown as text, and links to scripts are no links: the text may be anybody's.
const markdown = new MarkdownIt({ html: false, linkify: true, typographer: false });
const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': 'sandbox' };

/** CommonMark with tables and strikethrough in, HTML out. */
export default {
  async fetch(request) {
    return new Response(markdown.render(await request.text()), { headers });
  },
};

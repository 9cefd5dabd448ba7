/** How much of an answer is looked at. */
const lookedAt = 512;

/** First bytes, in latin-1, and what they are; a part of the WHATWG MIME Sniffing Standard, section 7. */
const starts: readonly (readonly [string, string])[] = [
  ['%PDF-', 'application/pdf'],
  ['%!PS-Adobe-', 'application/postscript'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['BM', 'image/bmp'],
  ['OggS\0', 'application/ogg'],
  ['ID3', 'audio/mpeg'],
  ['\x1f\x8b\x08', 'application/x-gzip'],
  ['PK\x03\x04', 'application/zip'],
  ['\0asm', 'application/wasm'],
  ['wOF2', 'font/woff2'],
  ['wOFF', 'font/woff'],
  ['\xfe\xff', 'text/plain; charset=utf-16be'],
  ['\xff\xfe', 'text/plain; charset=utf-16le'],
];
const tags = /^\s*<(!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P|!--)[ >]/i;
/** Control bytes a text may have: tab, line feed, form feed, carriage return, escape. */
const textual = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x1b]);

/** Content type of an answer nobody named one for, from its first 512 bytes, as Go's HTTP server finds it. */
export function sniffContentType(body: Buffer): string {
  const start = body.toString('latin1', 0, lookedAt);
  if (tags.test(start)) return 'text/html; charset=utf-8';
  if (/^\s*<\?xml/.test(start)) return 'text/xml; charset=utf-8';
  if (start.startsWith('RIFF') && start.startsWith('WEBPVP', 8)) return 'image/webp';
  if (start.startsWith('RIFF') && start.startsWith('WAVE', 8)) return 'audio/wave';
  const found = starts.find(([text]) => start.startsWith(text));
  if (found !== undefined) return found[1];
  const isBinary = body.subarray(0, lookedAt).some((byte) => byte < 0x20 && !textual.has(byte));
  return isBinary ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}

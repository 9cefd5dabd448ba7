/** One difference between an original and ours, as `docs/watchdog.md` tells it, and the lines of the comparison it explains. */
export interface Difference {
  readonly original: 'both' | 'classic' | 'of';
  readonly there: string;
  readonly here: string;
  readonly explains: RegExp;
}

/** All there are: a line that none explains fails the comparison, and so does one here that explains nothing. */
export const differences: readonly Difference[] = [
  {
    original: 'both',
    there: 'with `suppress_lock` health is 503 for good',
    here: '200 until it stops; of-watchdog’s readiness as well',
    explains: / no lock GET \/_\/(health|ready): (status|body|content-type): /,
  },
  {
    original: 'both',
    there: '405 without `Allow`',
    here: 'with it',
    explains: /: allow: absent → "GET/,
  },
  {
    original: 'both',
    there: 'a header `Query` sets `Http_Query` where there is no query',
    here: 'it sets nothing, as any header named like a fact of the request',
    explains: / env forged: body: /,
  },
  {
    original: 'both',
    there: 'a body of unknown length is `Http_ContentLength=-1` (of-watchdog: not told; nor is `Http_Host`)',
    here: 'the length is not told then; `Http_Host`, `Http_ContentLength` and `Http_Content_Length` are in every mode',
    explains: / env (told|chunked): body: /,
  },
  {
    original: 'both',
    there: 'a line feed in a header value passes and begins another header',
    here: '400',
    explains: / line feed in a value: /,
  },
  {
    original: 'both',
    there: '400 has a line of text',
    here: '400 is bare',
    explains: / (NUL in a value|blank in a name): (body|content-type): /,
  },
  {
    original: 'both',
    there: '`X-Duration-Seconds` is missing in failures, and everywhere in mode `streaming`',
    here: 'told wherever the time is known when the head is sent',
    explains: /: x-duration-seconds: absent → /,
  },
  {
    original: 'classic',
    there: '`%00` in a path is 500 from a process that could not be started',
    here: 'the path is told as it came',
    explains: / NUL in a path: (status|body|content-type): /,
  },
  {
    original: 'classic',
    there: 'a call that outlasts `write_timeout` is cut off without a word',
    here: '408 as for `exec_timeout`',
    explains: / late for write_timeout GET: /,
  },
  {
    original: 'of',
    there: '`streaming`: a process that failed is 200, and its answer looks whole',
    here: '500 before the first byte; after it the answer is broken off',
    explains: / streaming (early|fail) GET: (status|body|content-type): /,
  },
  {
    original: 'of',
    there: '`streaming`: a call that took too long is 200; `serializing`: 500 `signal: killed`',
    here: '504, in words',
    explains: / (streaming|serializing) late GET: /,
  },
  {
    original: 'of',
    there: '`serializing`: what went wrong has the content type of an answer',
    here: 'it is text',
    explains: / serializing fail GET: content-type: /,
  },
  {
    original: 'of',
    there: '`http`: the program is not told the length of a body',
    here: 'it is; `buffer_http` is needed only for bodies of unknown length',
    explains: / http (POST|PUT|PATCH|DELETE|POST without a type|headers): body: /,
  },
  {
    original: 'of',
    there: '`http`: 500 and 504 are empty',
    here: 'they say why',
    explains: / http (garbage|late|late by X-Timeout): (body|content-type): /,
  },
  {
    original: 'of',
    there: '`static`: nothing says how long a file may be kept, or that its type must be believed',
    here: '`Cache-Control`, `ETag`, `X-Content-Type-Options: nosniff`',
    explains: / static [^:]*: (cache-control|etag|x-content-type-options): absent → /,
  },
  {
    original: 'of',
    there: '`static`: `/index.html` leads to the folder',
    here: 'it is served',
    explains: / static GET \/index\.html: (status|body|accept-ranges|content-type|last-modified|location): /,
  },
  {
    original: 'of',
    there: '`static`: every method is a GET',
    here: '405 for all but `GET` and `HEAD`',
    explains: / static POST /,
  },
  {
    original: 'of',
    there: '`static`: folders without an index are listed, hidden files are served',
    here: '404 for both',
    explains: / static GET \/(list\/|\.hidden): /,
  },
  {
    original: 'of',
    there: '`static`: words of redirect and 404',
    here: 'others',
    explains: / static GET \/(sub|nowhere): (body|content-type|x-content-type-options): /,
  },
];

const originals = { both: 'both', classic: 'classic-watchdog', of: 'of-watchdog' } as const;

/** The rows of the table in `docs/watchdog.md`. */
export function differenceRows(): string[] {
  return differences.map(({ original, there, here }) => `| ${originals[original]} | ${there} | ${here} |`);
}

import type { Asked } from './ask-watchdog.ts';

interface Answer {
  readonly status: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Values that are another each time. */
const passing: Readonly<Record<string, string>> = {
  date: '(a date)',
  'last-modified': '(a date)',
  etag: '(a tag)',
  'x-duration-seconds': '(seconds)',
};

function parseAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return { status: text === '' ? 'none' : text, fields: new Map(), body: '' };
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = passing[name] ?? line.slice(colon + 1).trim();
    fields.set(name, fields.has(name) ? `${fields.get(name)}, ${value}` : value);
  }
  const raw = text.slice(end + 4);
  const isChunked = fields.get('transfer-encoding') === 'chunked';
  return { status: first.split(' ')[1] ?? first, fields, body: isChunked ? dechunk(raw) : raw };
}

/** Without the end of the last chunk the answer was cut off. */
function dechunk(raw: string): string {
  let body = '';
  for (let rest = raw; ; ) {
    const match = /^([0-9a-f]+)\r\n/i.exec(rest);
    if (match === null) return `${body}(cut off)`;
    const size = Number.parseInt(match[1] ?? '', 16);
    if (size === 0) return body;
    body += rest.slice(match[0].length, match[0].length + size);
    rest = rest.slice(match[0].length + size + 2);
  }
}

const tidyBody = (body: string): string => {
  if (!body.startsWith('{')) return body;
  const value = JSON.parse(body) as { header?: Record<string, unknown> };
  const header = Object.fromEntries(Object.entries(value.header ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ ...value, header });
};

/** What differs, one line each: `<question>: <part>: <theirs> → <ours>`. Framing by length or by chunks is no difference. */
export function compareAnswers(theirs: Asked, ours: Asked): string[] {
  return Object.entries(theirs.answers).flatMap(([name, answers]) => {
    const others = (ours.answers[name] ?? []).toSorted();
    return answers.toSorted().flatMap((text, at) => {
      const [a, b] = [parseAnswer(text), parseAnswer(others[at] ?? '')];
      const names = new Set([...a.fields.keys(), ...b.fields.keys()].filter((one) => !framing.has(one)));
      const parts: [string, string | undefined, string | undefined][] = [
        ['status', a.status, b.status],
        ['body', tidyBody(a.body), tidyBody(b.body)],
        ...[...names]
          .toSorted()
          .map((one): [string, string | undefined, string | undefined] => [one, a.fields.get(one), b.fields.get(one)]),
      ];
      return parts
        .filter(([, before, after]) => before !== after)
        .map(([part, before, after]) => `${name}: ${part}: ${show(before)} → ${show(after)}`);
    });
  });
}

const framing = new Set(['content-length', 'transfer-encoding']);

function show(value: string | undefined): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}

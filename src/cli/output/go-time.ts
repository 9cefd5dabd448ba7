import { TinderboxError } from '../../model/errors.ts';

const layouts: Readonly<Record<string, string>> = {
  ansic: 'Mon Jan _2 15:04:05 2006',
  unixdate: 'Mon Jan _2 15:04:05 MST 2006',
  rubydate: 'Mon Jan 02 15:04:05 -0700 2006',
  rfc822: '02 Jan 06 15:04 MST',
  rfc822z: '02 Jan 06 15:04 -0700',
  rfc850: 'Monday, 02-Jan-06 15:04:05 MST',
  rfc1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  rfc1123z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  rfc3339: '2006-01-02T15:04:05Z07:00',
  rfc3339nano: '2006-01-02T15:04:05.999999999Z07:00',
};

/** Months and days of the week as Go writes them, in English whatever the locale. */
const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

const token =
  /2006|January|Jan|Monday|Mon|MST|Z07:00|Z0700|-07:00|-0700|[.,]0+|[.,]9+|_2|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5/g;

/** A layout of Go's `time` package, or one of its names (`RFC3339`, `ANSIC`, …). An empty one shows nothing. */
export function resolveTimeLayout(text: string): string {
  return layouts[text.toLowerCase()] ?? text;
}

/** An RFC 3339 time in a Go layout, in UTC. Throws `invalid` for what is no time. */
export function formatGoTime(time: string, layout: string): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) throw new TinderboxError('bad-reply', `"${time.slice(0, 60)}" is not a time`);
  const fraction = (/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(9, '0').slice(0, 9);
  return layout.replace(token, (piece) => pieceOf(piece, at, fraction));
}

function pieceOf(piece: string, at: Date, fraction: string): string {
  if (/^[.,]/.test(piece)) return fractionOf(piece, fraction);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [month = '', day = ''] = [months[at.getUTCMonth()], days[at.getUTCDay()]];
  const hour12 = at.getUTCHours() % 12 || 12;
  const values: Readonly<Record<string, string>> = {
    '2006': String(at.getUTCFullYear()).padStart(4, '0'),
    '06': two(at.getUTCFullYear() % 100),
    January: month,
    Jan: month.slice(0, 3),
    '01': two(at.getUTCMonth() + 1),
    '1': String(at.getUTCMonth() + 1),
    Monday: day,
    Mon: day.slice(0, 3),
    '02': two(at.getUTCDate()),
    _2: String(at.getUTCDate()).padStart(2, ' '),
    '2': String(at.getUTCDate()),
    '15': two(at.getUTCHours()),
    '03': two(hour12),
    '3': String(hour12),
    '04': two(at.getUTCMinutes()),
    '4': String(at.getUTCMinutes()),
    '05': two(at.getUTCSeconds()),
    '5': String(at.getUTCSeconds()),
    PM: at.getUTCHours() < 12 ? 'AM' : 'PM',
    pm: at.getUTCHours() < 12 ? 'am' : 'pm',
    MST: 'UTC',
    'Z07:00': 'Z',
    Z0700: 'Z',
    '-07:00': '+00:00',
    '-0700': '+0000',
  };
  return values[piece] ?? piece;
}

/** `.000` keeps zeros, `.999` drops them at the end. */
function fractionOf(piece: string, fraction: string): string {
  const digits = fraction.slice(0, piece.length - 1);
  const kept = piece[1] === '9' ? digits.replace(/0+$/, '') : digits;
  return kept === '' ? '' : `${piece[0]}${kept}`;
}

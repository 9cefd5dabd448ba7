const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/**
 * Unix time in ms of a date-time of RFC 3339; undefined: it is none. `Date.parse` alone takes much else for a time: `foo 1`
 * is a day of 2001, and what names no zone depends on the machine's.
 */
export function parseDateTimeMs(text: string): number | undefined {
  const ms = dateTime.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

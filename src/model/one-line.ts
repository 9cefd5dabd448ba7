const control = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A message as one line: what ends lines or moves a terminal's cursor, as a value it names may hold, is shown as an escape. */
export function oneLine(text: string): string {
  return text.replace(
    control,
    (char) => named[char] ?? `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

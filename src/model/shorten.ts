/** A value as it is fit to be named in a message: whole when it is short, else its beginning and `…`. */
export function shorten(text: string, most = 100): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

const escapeSequence = /\p{Cc}\[[0-9;?]*[ -/]*[@-~]/gu;
const controlExceptTab = /[^\P{Cc}\t]/gu;

/** Foreign text on one line, without anything that moves the cursor, colours or retitles the window. */
export function stripControls(text: string): string {
  return text.replace(escapeSequence, '').replaceAll('\t', '  ').replace(controlExceptTab, '');
}

/** The same kept readable: control characters as `\x1b`. Tabs stay. */
export function showControls(text: string): string {
  return text.replace(controlExceptTab, (char) => `\\x${(char.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
}

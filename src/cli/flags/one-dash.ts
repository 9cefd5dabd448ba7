/** `-run-healthcheck` → `--run-healthcheck`: long flags as programs written in Go take them. */
export function twoDashes(words: readonly string[]): readonly string[] {
  return words.map((word) => word.replace(/^-(?=[a-z][a-z-])/, '--'));
}

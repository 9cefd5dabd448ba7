/**
 * Whether `*` and `?` of the pattern, and nothing else in it, make it the whole name. Goes back to the last `*` alone, so
 * that no pattern takes longer than pattern × name.
 */
export function fitsWildcards(pattern: string, name: string): boolean {
  let [at, back, tried] = [0, -1, 0];
  for (let index = 0; index < name.length; ) {
    if (pattern[at] === '*') {
      [back, tried] = [at, index];
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[index])) {
      [at, index] = [at + 1, index + 1];
    } else if (back !== -1) {
      tried += 1;
      [at, index] = [back + 1, tried];
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}

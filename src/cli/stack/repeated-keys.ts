import { type Document, isScalar, type Scalar, visit } from 'yaml';

/** Keys that stand in their map before, in order of the text; each is looked at once. */
export function repeatedKeys(document: Document.Parsed): readonly Scalar[] {
  const repeated: Scalar[] = [];
  visit(document, {
    Map(_key, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) repeated.push(key);
        seen.add(key.value);
      }
    },
  });
  return repeated;
}

import { isAlias, isMap, isScalar, isSeq, type Document, type Node, type Pair, type Scalar } from 'yaml';
import { nearestName } from './nearest-name.ts';

/** A node with its path in words, for messages: `functions.hello.labels`. */
export interface Place {
  readonly node: Node | null;
  readonly path: string;
}

export interface Entry extends Place {
  readonly key: string;
  readonly keyNode: Node;
}

/**
 * Reads typed values out of a YAML document and notes every problem with the place it stands at, instead of stopping
 * at the first. A null value counts as absent, as it does in Go.
 */
export interface YamlReader {
  /** Entries of a map whose keys are free. */
  entries(place: Place): readonly Entry[];
  /** Entries of a map whose keys are known; others are noted, naming the nearest known one. */
  fields(place: Place, known: readonly string[]): ReadonlyMap<string, Entry>;
  items(place: Place): readonly Place[];
  /** Whether it is a map, or absent; notes nothing. */
  isMap(place: Place): boolean;
  /** Whether it is written as a list; notes nothing. */
  isList(place: Place): boolean;
  /** A scalar as it is written: `true` and `1.0` stay these texts. */
  text(place: Place): string;
  bool(place: Place): boolean;
  note(node: Node | null, message: string): void;
}

export function createYamlReader(document: Document, note: (node: Node | null, message: string) => void): YamlReader {
  const follow = (node: unknown): Node | null =>
    isAlias(node) ? (node.resolve(document) ?? null) : ((node ?? null) as Node | null);
  const place = (node: unknown, path: string): Place => ({ node: follow(node), path });
  // A map that is merged into itself must not be followed without end.
  const merging = new Set<Node>();
  const entries = (from: Place): readonly Entry[] => {
    if (isAbsent(from.node)) return [];
    if (!isMap(from.node)) {
      note(from.node, `${from.path} must be a map, it is ${kindOf(from.node)}`);
      return [];
    }
    const map = from.node;
    if (merging.has(map)) return [];
    merging.add(map);
    const found = map.items.flatMap((pair) => pairEntries(pair as Pair, from.path));
    merging.delete(map);
    return found;
  };
  const pairEntries = (pair: Pair, path: string): readonly Entry[] => {
    const keyNode = follow(pair.key);
    if (keyNode === null || !isScalar(keyNode)) return [];
    const key = textOf(keyNode);
    if (key === '<<') return entries(place(pair.value, path));
    return [{ key, keyNode, ...place(pair.value, path === '' ? key : `${path}.${key}`) }];
  };
  const text = (from: Place): string => {
    if (from.node === null) return '';
    if (isScalar(from.node)) return textOf(from.node);
    note(from.node, `${from.path} must be a text, it is ${kindOf(from.node)}`);
    return '';
  };

  return {
    entries,
    text,
    note,
    isMap: ({ node }) => isAbsent(node) || isMap(node),
    fields: (from, known) => {
      const found = new Map<string, Entry>();
      for (const entry of entries(from)) {
        if (known.includes(entry.key)) found.set(entry.key, entry);
        else note(entry.keyNode, unknownField(entry.key, from.path, known));
      }
      return found;
    },
    items: (from) => {
      if (isAbsent(from.node)) return [];
      if (isSeq(from.node)) return from.node.items.map((item, index) => place(item, `${from.path}[${index}]`));
      note(from.node, `${from.path} must be a list, it is ${kindOf(from.node)}`);
      return [];
    },
    isList: ({ node }) => isSeq(node),
    bool: (from) => {
      const written = text(from);
      if (!/^(true|false|)$/i.test(written)) note(from.node, `${from.path} is "${written}", it must be true or false`);
      return written.toLowerCase() === 'true';
    },
  };
}

function isAbsent(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

function unknownField(key: string, path: string, known: readonly string[]): string {
  const where = path === '' ? 'at the top' : `in ${path}`;
  const nearest = nearestName(key, known);
  const advice = nearest === undefined ? `known fields: ${known.join(', ')}` : `did you mean "${nearest}"?`;
  return `unknown field "${key}" ${where}; ${advice}`;
}

function textOf(scalar: Scalar): string {
  if (typeof scalar.value === 'string') return scalar.value;
  if (scalar.value === null) return '';
  return scalar.source ?? JSON.stringify(scalar.value);
}

function kindOf(node: Node | null): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  return isScalar(node) ? `"${textOf(node)}"` : 'empty';
}

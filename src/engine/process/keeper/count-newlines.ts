const newline = 10;
const newlines = 0x0a0a0a0a;
const lowBits = 0x7f7f7f7f;

/** Newlines in these bytes, four at a time: a flood of gigabytes goes through here. */
export function countNewlines(bytes: Buffer): number {
  const unaligned = (4 - (bytes.byteOffset & 3)) & 3;
  if (bytes.length < unaligned) return countSingly(bytes, 0, bytes.length);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + unaligned, (bytes.length - unaligned) >>> 2);
  const count = countSingly(bytes, 0, unaligned) + countSingly(bytes, unaligned + words.length * 4, bytes.length);
  return count + countInWords(words);
}

function countInWords(words: Uint32Array): number {
  let count = 0;
  for (let at = 0; at < words.length; at += 1) count += newlinesIn(words[at] ?? 0);
  return count;
}

/** A byte becomes 0 where it was a newline; the sum then carries into the top bit of every byte that is not 0. */
function newlinesIn(word: number): number {
  const zeroed = word ^ newlines;
  const found = ~(((zeroed & lowBits) + lowBits) | zeroed | lowBits) >>> 7;
  return (found + (found >>> 8) + (found >>> 16) + (found >>> 24)) & 7;
}

function countSingly(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) if (bytes[at] === newline) count += 1;
  return count;
}

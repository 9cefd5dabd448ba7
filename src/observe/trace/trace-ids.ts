import { randomFillSync } from 'node:crypto';

/** Random bytes are asked of the system so many at once. */
const poolBytes = 4096;

/** Makes random ids in hexadecimal. */
export function createTraceIds(fill: (buffer: Buffer) => void = randomFillSync): (bytes: 8 | 16) => string {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;
  const next = (bytes: number): string => {
    if (used + bytes > poolBytes) {
      fill(pool);
      used = 0;
    }
    used += bytes;
    return pool.toString('hex', used - bytes, used);
  };
  return (bytes) => {
    for (;;) {
      const id = next(bytes);
      // All zeros stands for none.
      if (!/^0+$/.test(id)) return id;
    }
  };
}

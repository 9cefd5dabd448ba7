import { randomBytes } from 'node:crypto';

const allowed = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether a client's `X-Call-Id` can be taken as it is. */
export function isCallId(text: string): boolean {
  return allowed.test(text);
}

/**
 * Makes call ids in the shape of a UUID: a random half that is this process's own, and a counter. Unique without a
 * system call per request; they are names, not secrets.
 */
export function createCallIds(random: (bytes: number) => Buffer = randomBytes): () => string {
  const hex = random(10).toString('hex');
  const prefix = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8${hex.slice(15, 18)}-`;
  let count = 0;
  return () => {
    count += 1;
    return prefix + (count + 0x1000_0000_0000).toString(16).slice(-12);
  };
}

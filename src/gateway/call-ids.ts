import { randomBytes } from 'node:crypto';

const allowed = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether a client's `X-Call-Id` can be taken as it is. */
export function isCallId(text: string): boolean {
  return allowed.test(text);
}

const firstCount = 0x10_0000;
const lastCount = 0xff_ffff;

/**
 * Makes call ids in the shape of a UUID: a random part that is made anew every 15 million calls, and a counter. Unique
 * without a system call per request; they are names, not secrets.
 */
export function createCallIds(random: (bytes: number) => Buffer = randomBytes): () => string {
  let count = lastCount;
  let prefix = '';
  return () => {
    if (count === lastCount) {
      const hex = random(11).toString('hex');
      prefix = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(16, 22)}`;
      count = firstCount;
    }
    count += 1;
    return prefix + count.toString(16);
  };
}

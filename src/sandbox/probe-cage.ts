import { randomBytes } from 'node:crypto';

/** Names the cage by which a platform finds out what the host can do. */
export function createProbeId(): string {
  return `probe-${process.pid}-${randomBytes(3).toString('hex')}`;
}

/** Whether a cage is such a one and the platform that made it may still be at it. */
export function isProbing(id: string): boolean {
  const pid = /^probe-(\d+)-/.exec(id)?.[1];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

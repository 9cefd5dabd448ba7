/** User ids far from those that platforms take by themselves, of this test process alone: others run beside it. */
const first = 1_000_000_000 + (process.pid % 1_000_000) * 1000;
export const ownIds = { first, last: first + 999 } as const;

/** One of them for what has this folder, by its last letter. */
export function ownIdOf(dir: string): number {
  return ownIds.last - (dir.charCodeAt(dir.length - 1) % 100);
}

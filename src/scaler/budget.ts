import type { RevisionId } from '../model/names.ts';

/** What all functions of this host together may use. */
export interface HostBudget {
  readonly instances: number;
  /** Sum of the memory limits of all instances, promised rather than used. */
  readonly memoryBytes: number;
  /** Instances that may be on their way to ready at once. */
  readonly concurrentStarts: number;
}

/** What one revision holds of the budget. */
export interface BudgetShare {
  readonly revision: RevisionId;
  /** Instances granted to it. */
  readonly count: number;
  /** Memory limit of one instance. */
  readonly memoryBytes: number;
  /** Fewest it may be cut down to without breaking what its labels ask for. */
  readonly least: number;
  /** How long nobody called it; undefined: calls are in flight or waiting, or it is being started. */
  readonly idleMs: number | undefined;
}

export interface BudgetDecision {
  /** Count the asking revision gets; less than it wants when the host is full. */
  readonly granted: number;
  /** Revisions that give something up for it, each with its new count. */
  readonly cuts: readonly { readonly revision: RevisionId; readonly count: number }[];
  /** What ran out, in words for the caller; undefined when all of the wish was granted. */
  readonly exhausted: string | undefined;
}

/** A wish for instances; `held` of them it has already. */
export interface BudgetWish {
  readonly revision: RevisionId;
  readonly memoryBytes: number;
  readonly wanted: number;
  readonly held: number;
}

/** What is granted to all other revisions together. */
export interface BudgetUse {
  readonly instances: number;
  readonly memoryBytes: number;
}

/** Grants as much of a wish as is free beside the others, and never takes away what is held. */
export function decideFreeGrant(beside: BudgetUse, wish: BudgetWish, budget: HostBudget): BudgetDecision {
  const room = roomIn(beside, wish.memoryBytes, budget);
  if (room.count >= wish.wanted) return { granted: wish.wanted, cuts: [], exhausted: undefined };
  return { granted: Math.max(wish.held, room.count), cuts: [], exhausted: room.limit };
}

/**
 * Makes room for one instance on a full host: the longest-idle revisions give up theirs first. Only the first instance
 * of a revision is worth that; growing further takes what is free.
 */
export function decideEviction(
  others: readonly BudgetShare[],
  memoryBytes: number,
  budget: HostBudget,
): BudgetDecision {
  const victims = others
    .filter((share) => share.idleMs !== undefined && share.count > share.least)
    .sort((a, b) => (b.idleMs ?? 0) - (a.idleMs ?? 0));
  const cuts: { revision: RevisionId; count: number }[] = [];
  const used = usedBy(others);
  for (const victim of victims) {
    let count = victim.count;
    while (roomIn(used, memoryBytes, budget).count < 1 && count > victim.least) {
      count -= 1;
      used.instances -= 1;
      used.memoryBytes -= victim.memoryBytes;
    }
    if (count < victim.count) cuts.push({ revision: victim.revision, count });
  }
  const room = roomIn(used, memoryBytes, budget);
  if (room.count < 1) return { granted: 0, cuts: [], exhausted: room.limit };
  return { granted: 1, cuts, exhausted: undefined };
}

function usedBy(shares: readonly BudgetShare[]): { instances: number; memoryBytes: number } {
  const used = { instances: 0, memoryBytes: 0 };
  for (const share of shares) {
    used.instances += share.count;
    used.memoryBytes += share.count * share.memoryBytes;
  }
  return used;
}

function roomIn(
  used: BudgetUse,
  memoryBytes: number,
  budget: HostBudget,
): { readonly count: number; readonly limit: string } {
  const byCount = Math.max(0, budget.instances - used.instances);
  const byMemory = memoryBytes === 0 ? byCount : Math.floor((budget.memoryBytes - used.memoryBytes) / memoryBytes);
  if (byCount <= byMemory) {
    return { count: byCount, limit: `${used.instances} of ${budget.instances} instances are in use` };
  }
  const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  return {
    count: Math.max(0, byMemory),
    limit: `${mib(used.memoryBytes)} of ${mib(budget.memoryBytes)} memory are promised and an instance needs ${mib(memoryBytes)}`,
  };
}

import { readdir, readFile } from 'node:fs/promises';

/** Environment variable by which processes are found on hosts without cgroups. */
export const cageVariable = 'TINDERBOX_CAGE';

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/**
 * Processes that belong to a cage without a cgroup: those that still carry its mark in their first environment, the
 * leader with its process group and session, and the children of all these. A program that wipes its environment and
 * makes itself a daemon escapes this, which is why a missing cgroup is reported.
 */
export async function uncagedPids(id: string, leader?: number): Promise<number[]> {
  const processes = await listProcesses();
  const marked = await Promise.all(processes.map((facts) => carriesMark(facts.pid, id)));
  const found = new Set<number>();
  processes.forEach((facts, index) => {
    const led = leader !== undefined && [facts.pid, facts.group, facts.session].includes(leader);
    if (led || marked[index] === true) found.add(facts.pid);
  });
  // Children have no order among the pids once those wrap around: repeat until nothing is added.
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const facts of processes) if (found.has(facts.parent)) found.add(facts.pid);
  }
  found.delete(process.pid);
  return [...found];
}

async function listProcesses(): Promise<ProcessFacts[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const facts = await Promise.all(pids.map(factsOf));
  return facts.filter((entry) => entry !== undefined);
}

async function factsOf(pid: number): Promise<ProcessFacts | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // The name in brackets may itself hold brackets and blanks; what counts begins after the last one.
  const [state, parent, group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === undefined || state === '' || state === 'Z' || state === 'X') return undefined;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session) };
}

async function carriesMark(pid: number, id: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return `\0${environment}\0`.includes(`\0${cageVariable}=${id}\0`);
}

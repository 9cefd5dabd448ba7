import { readFileSync } from 'node:fs';

/** One process of this boot for all time: a pid alone is given again to others. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Undefined where the system does not tell: then nothing about the process can be proven. */
  readonly startTime: string | undefined;
}

/** Tells this boot of the machine from every other; empty where the system does not say. */
export function readBootId(): string {
  return readText('/proc/sys/kernel/random/boot_id').trim();
}

export function readIdentity(pid: number): ProcessIdentity {
  return { pid, startTime: readStartTime(pid) };
}

/** Whether it is provably still this process. */
export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  return startTime !== undefined && readStartTime(pid) === startTime;
}

/** Whether it is provably not there any more. */
export function isProvablyOver({ pid, startTime }: ProcessIdentity): boolean {
  return startTime !== undefined && readStartTime(pid) !== startTime;
}

export function sameProcess(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.startTime === other.startTime;
}

/** When a process started, in clock ticks since boot. Undefined when there is no such process, or no /proc. */
function readStartTime(pid: number): string | undefined {
  return statFields(pid)[19];
}

/** Fields after the command name, which may itself contain spaces and parentheses; the first is the state. */
function statFields(pid: number): string[] {
  const text = readText(`/proc/${pid}/stat`);
  const end = text.lastIndexOf(')');
  return end < 0 ? [] : text.slice(end + 2).split(' ');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

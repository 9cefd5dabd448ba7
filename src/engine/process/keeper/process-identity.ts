import { readFileSync } from 'node:fs';

/** Tells this boot of the machine from every other; empty where the system does not say. */
export function readBootId(): string {
  return readText('/proc/sys/kernel/random/boot_id').trim();
}

/**
 * When a process started, in clock ticks since boot: with pid and boot id it names one process for all time.
 * Undefined when there is no such process, or no /proc.
 */
export function readStartTime(pid: number): string | undefined {
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

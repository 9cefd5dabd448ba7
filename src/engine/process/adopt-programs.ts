import { cagePids } from '../../sandbox/cage.ts';
import { notice } from '../../observe/channels.ts';
import type { CopyEnding } from '../runner.ts';
import type { Supervisor } from '../supervisor.ts';
import { type AdoptionNote, parseAdoptionNote } from './adoption-note.ts';
import { answers } from './answers.ts';
import { copyEndingFromProgram } from './copy-ending.ts';
import { instanceFolder } from './instance-folder.ts';
import type { ProgramReport } from './keeper/protocol.ts';
import type { KeptProgram } from './kept-program.ts';
import { cleanUpAfter } from './launch-program.ts';
import { orAbort } from './or-abort.ts';
import type { ProcessHost } from './process-host.ts';

/** Long enough for one that computes, or a machine under load: killing what is well costs more than waiting. */
const answerTimeoutMs = 5000;
/** Whoever waits in the kernel may not end for hours; the platform starts without waiting longer for it. */
const killTimeoutMs = 10_000;

/** What was taken over: their folders, secrets and cages must stay. */
export interface Adopted {
  readonly programIds: ReadonlySet<string>;
  readonly cageIds: ReadonlySet<string>;
  /** Paths they run from. */
  readonly uses: readonly string[];
}

/**
 * Takes back the ready instances that answer; kills and waits for everything else the keeper holds. What cannot be killed
 * within `killMs` is told, and left to the keeper.
 */
export async function adoptPrograms(
  host: ProcessHost,
  supervisor: Supervisor,
  reports: readonly ProgramReport[],
  killMs = killTimeoutMs,
): Promise<Adopted> {
  const programIds = new Set<string>();
  const cageIds = new Set<string>();
  const uses: string[] = [];
  const each = async (report: ProgramReport): Promise<void> => {
    const program = host.keeper.program(report.id);
    if (program === undefined) return;
    const note = parseAdoptionNote(report.note);
    if (note === undefined || !(await isAlive(host, note, report))) {
      if (note !== undefined) {
        host.portOwners.remove(note.instance.id);
        tellUnanswered(note, report);
      }
      program.kill();
      if (!(await endsWithin(program, killMs))) tellUnkillable(report, killMs);
      return;
    }
    programIds.add(report.id);
    cageIds.add(report.cage.id);
    uses.push(...note.uses);
    adopt(host, supervisor, { note, report, program });
  };
  await Promise.all(reports.map(each));
  return { programIds, cageIds, uses };
}

async function endsWithin(program: KeptProgram, timeoutMs: number): Promise<boolean> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const ended = await orAbort(program.ended, late.signal).then(
    () => true,
    () => false,
  );
  clearTimeout(timer);
  return ended;
}

function tellUnanswered({ instance }: AdoptionNote, { pid }: ProgramReport): void {
  const who = `instance ${instance.id} of ${instance.revision} (process ${pid}), of an earlier platform,`;
  const message = `${who} did not answer within ${answerTimeoutMs / 1000} s, or lost its port: it is replaced`;
  notice.publish({ level: 'warn', part: 'engine', message });
}

function tellUnkillable({ id, pid, cage }: ProgramReport, afterMs: number): void {
  const message = `process ${pid} of an earlier platform (${id}, cage ${cage.id}) cannot be killed within ${afterMs / 1000} s`;
  notice.publish({ level: 'error', part: 'engine', message });
}

async function isAlive(host: ProcessHost, { instance }: AdoptionNote, { cage, pid }: ProgramReport): Promise<boolean> {
  const { address, protections } = instance;
  if (address === undefined || !(await answers(address, answerTimeoutMs))) return false;
  if (address.kind === 'frame') return true;
  // A port it let go of may be a stranger's by now, who would be given its calls.
  const { port } = address;
  host.portOwners.add(instance.id, { port, uid: protections.uid, pids: () => cagePids(cage, pid) });
  return await host.portOwners.owns(instance.id);
}

interface Found {
  readonly note: AdoptionNote;
  readonly report: ProgramReport;
  readonly program: KeptProgram;
}

function adopt(host: ProcessHost, supervisor: Supervisor, { note, report, program }: Found): void {
  const folder = instanceFolder(host.runDir, report.id);
  const ended = cleanUpAfter(host, program, report.cage, folder).then(
    (end): CopyEnding => copyEndingFromProgram(end, undefined),
  );
  const { id } = note.instance;
  host.running.set(id, { program, cage: report.cage });
  const exiting = program.exiting.then(({ lost }) => {
    host.running.delete(id);
    host.portOwners.remove(id);
    return { blameless: lost };
  });
  const stop = (graceMs: number): void => program.stop(graceMs);
  supervisor.adopt(note.instance, { ready: new Promise(() => undefined), exiting, ended, stop }, note.times);
}

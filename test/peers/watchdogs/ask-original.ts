import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Asked } from './ask-watchdog.ts';
import { compareAnswers } from './compare.ts';
import { findWatchdog } from './find-watchdog.ts';
import type { Scenario } from './scenarios.ts';

const file = join(import.meta.dirname, 'recorded.json');

/** What the real watchdogs answered when they were last asked, by watchdog and scenario. */
type Recording = Record<string, Asked['answers']>;

/**
 * The answers of a real watchdog: asked now where the program is there, else those that were recorded from it. Where it is
 * there, a recording that says something else (`compare`) fails the test; `RECORD_WATCHDOGS=1` writes it anew.
 */
export async function askOriginal(
  scenario: Scenario,
  run: (command: readonly string[]) => Promise<Asked>,
  compare: (asked: Asked, recorded: Asked) => readonly string[] = compareAnswers,
): Promise<Asked> {
  const key = `${scenario.original} ${scenario.name}`;
  const recording = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recording) : {};
  const found = findWatchdog(scenario.original);
  const recorded = recording[key];
  if ('missing' in found) {
    if (recorded === undefined) throw new Error(`no answers to "${key}" are recorded, and ${found.missing}`);
    return { answers: recorded, log: 'recorded' };
  }
  const asked = await run([found.file]);
  if (process.env['RECORD_WATCHDOGS'] === '1') {
    const all = { ...recording, [key]: asked.answers };
    const sorted = Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(file, `${JSON.stringify(sorted, undefined, 1)}\n`);
    return asked;
  }
  const changed = compare(asked, { answers: recorded ?? {}, log: '' });
  if (changed.length > 0) {
    throw new Error(`${key} is recorded otherwise (RECORD_WATCHDOGS=1 writes it anew):\n${changed.join('\n')}`);
  }
  return asked;
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import { dataOf } from '../../client/result.ts';
import type { RevisionSummary } from '../../client/revisions.ts';
import { TinderboxError } from '../../model/errors.ts';
import { parseRevisionId } from '../../model/names.ts';
import type { FunctionAddress } from '../flags/function-address.ts';
import { formatLogLine } from '../output/format-log-line.ts';

const firstPollMs = 50;
const slowestPollMs = 200;
const shownLogLines = 20;

/**
 * Waits until the newest revision takes the calls. Rejects with `deploy-failed` (reason and last log lines) when it
 * failed, with `deadline` when it is still pending after `timeoutMs`.
 */
export async function followRollout(
  client: Client,
  address: FunctionAddress,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RevisionSummary> {
  const endMs = performance.now() + timeoutMs;
  let followed: string | undefined;
  for (let pollMs = firstPollMs; ; pollMs = Math.min(slowestPollMs, pollMs * 1.5)) {
    const revisions = dataOf(await client.revisions.list(address.name, address.namespace));
    const revision: RevisionSummary | undefined =
      followed === undefined ? newest(revisions) : revisions.find((candidate) => candidate.id === followed);
    followed = revision?.id;
    if (revision?.state === 'failed') throw await describeFailure(client, address, revision);
    if (revision?.state === 'ready' && revision.serving) return revision;
    if (performance.now() > endMs) throw stillPending(address, revision, timeoutMs);
    await delay(pollMs, undefined, { signal });
  }
}

function newest(revisions: readonly RevisionSummary[]): RevisionSummary | undefined {
  return [...revisions].sort((a, b) => parseRevisionId(b.id).number - parseRevisionId(a.id).number)[0];
}

function stillPending(
  { name }: FunctionAddress,
  revision: RevisionSummary | undefined,
  timeoutMs: number,
): TinderboxError {
  const what = revision === undefined ? `${name} has no revision` : `${revision.id} is ${revision.state}`;
  return new TinderboxError('deadline', `${what} after ${timeoutMs / 1000} s; the platform goes on trying`, {
    hint: `tinderbox describe ${name}, or wait longer with --timeout`,
  });
}

async function describeFailure(
  client: Client,
  { name, namespace }: FunctionAddress,
  { id, failure = 'no reason is known' }: RevisionSummary,
): Promise<TinderboxError> {
  const reason = failure.trimEnd();
  const lines = reason.includes('\n') ? [] : await lastLines(client, name, namespace);
  const log = lines.length === 0 ? '' : `\nlast lines of its log:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  return new TinderboxError('deploy-failed', `${id} does not start: ${reason}${log}`, {
    hint: 'the revision before it, if there was one, still takes the calls',
  });
}

/** What the function wrote, as far as it can be had: it must not hide the reason itself. */
async function lastLines(client: Client, name: string, namespace: string): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    const read = dataOf(await client.logs.read({ name, namespace, tail: shownLogLines, follow: false }));
    for await (const line of read) found.push(formatLogLine(line, 'plain', { name: false, instance: true }));
  } catch {
    return found;
  }
  return found;
}

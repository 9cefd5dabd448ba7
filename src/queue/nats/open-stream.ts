import { TinderboxError } from '../../model/errors.ts';
import type { NatsLink } from './link.ts';
import type { Subjects } from './subjects.ts';

/** The least server: atomic batches of messages (ADR-50) and messages that come due (ADR-51) came with it. */
export const leastServer = '2.12.2';

/** Refuses a server the queue cannot be kept on: `config`, naming what it is and what it takes. */
export function assertServer(version: string, hasJetStream: boolean): void {
  if (!isAtLeast(version, leastServer)) {
    throw new TinderboxError(
      'config',
      `the NATS server is version ${version}, the queue needs ${leastServer} or newer`,
      {
        hint: 'docs/nats.md says which of its promises need it',
      },
    );
  }
  if (hasJetStream) return;
  throw new TinderboxError('config', 'the NATS server runs without JetStream, the queue lives in it', {
    hint: 'start nats-server with -js, or with a jetstream block in its configuration',
  });
}

function isAtLeast(version: string, least: string): boolean {
  const [have, need] = [version, least].map((text) => text.split(/[.-]/).slice(0, 3).map(Number));
  for (let at = 0; at < 3; at += 1) {
    const [a, b] = [have?.[at] ?? Number.NaN, need?.[at] ?? 0];
    if (a !== b) return a > b;
  }
  return true;
}

/** Makes the stream, or brings the one that is there to what it must be. */
export async function openStream(link: NatsLink, subjects: Subjects, replicas: number): Promise<void> {
  const config = {
    name: subjects.stream,
    description: 'calls nobody waits for, of Tinderbox',
    subjects: [`${subjects.prefix}.>`],
    retention: 'workqueue',
    storage: 'file',
    num_replicas: replicas,
    max_msgs_per_subject: 1,
    discard: 'old',
    allow_direct: true,
    allow_atomic: true,
    allow_msg_ttl: true,
    allow_msg_schedules: true,
    republish: { src: subjects.spoken, dest: subjects.heard, headers_only: true },
  };
  try {
    await link.api(`STREAM.CREATE.${subjects.stream}`, config);
  } catch (error) {
    const { code, message } = TinderboxError.from(error);
    if (code === 'unavailable' || code === 'disk-full') throw error;
    await updateStream(link, subjects, config, message);
  }
}

async function updateStream(
  link: NatsLink,
  { stream }: Subjects,
  config: Readonly<Record<string, unknown>>,
  why: string,
): Promise<void> {
  try {
    await link.api(`STREAM.UPDATE.${stream}`, config);
  } catch (error) {
    if (TinderboxError.from(error).code === 'unavailable') throw error;
    throw new TinderboxError('config', `stream ${stream} cannot be made (${why}), nor be brought to what it must be`, {
      hint: TinderboxError.from(error).message,
      cause: error,
    });
  }
}

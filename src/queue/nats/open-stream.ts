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

/** How subjects are laid out; a stream of another layout holds calls that would not be found. */
const layout = 'ready-1';

/** Makes the stream, or brings the one that is there to what it must be. */
export async function openStream(link: NatsLink, subjects: Subjects, replicas: number): Promise<void> {
  const config = {
    name: subjects.stream,
    description: 'calls nobody waits for, of Tinderbox',
    subjects: [`${subjects.prefix}.>`],
    metadata: { layout },
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
    await assertLayout(link, subjects);
    await updateStream(link, subjects, config, message);
  }
}

/** One that is empty may be changed. */
async function assertLayout(link: NatsLink, { stream }: Subjects): Promise<void> {
  const { config, state } = await link.api(`STREAM.INFO.${stream}`, undefined).catch(unlessAway);
  const { metadata = {} } = (config ?? {}) as { readonly metadata?: Readonly<Record<string, string>> };
  const { messages = 0 } = (state ?? {}) as { readonly messages?: number };
  if (messages === 0 || metadata['layout'] === layout) return;
  throw new TinderboxError('config', `stream ${stream} holds calls that another version of Tinderbox wrote`, {
    hint: `let that version finish them and remove the stream, or use another natsName`,
  });
}

/** One that is not there, or cannot be seen, has no layout. */
function unlessAway(error: unknown): Readonly<Record<string, unknown>> {
  if (TinderboxError.from(error).code === 'unavailable') throw error;
  return {};
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

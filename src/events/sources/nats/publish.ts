import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { TinderboxError } from '../../../model/errors.ts';
import type { Message } from '../source.ts';

/** Publishes and waits until the server has it. Rejects with `too-large` above the server's limit. */
export async function publishTo(connection: NatsConnection, message: Message): Promise<void> {
  assertSize(connection, message);
  connection.publish(message.topic, message.body, { headers: await natsHeaders(message) });
  await connection.flush();
}

export function assertSize(connection: NatsConnection, { topic, body }: Message): void {
  const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  if (body.length <= most) return;
  throw new TinderboxError('too-large', `${body.length} bytes for ${topic} are above the ${most} of the NATS server`);
}

export async function natsHeaders({ headers: raw }: Message): Promise<MsgHdrs> {
  const { headers } = await import('@nats-io/transport-node');
  const made = headers();
  for (let at = 0; at + 1 < raw.length; at += 2)
    made.append(raw[at] ?? '', (raw[at + 1] ?? '').replaceAll(/[\r\n]/g, ' '));
  return made;
}

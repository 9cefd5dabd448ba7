import type { Backbone } from '../queue.ts';
import type { NatsAccess } from '../../model/nats-access.ts';
import type { NatsLink } from './link.ts';
import type { Subjects } from './subjects.ts';

/** What a queue in NATS is, and what it keeps only in part; docs/nats.md says why. */
export function describeBackbone(
  link: NatsLink,
  { stream }: Subjects,
  { access, replicas }: { readonly access: NatsAccess; readonly replicas: number },
): Backbone {
  const { version = 'of unknown version' } = link.connection.info ?? {};
  return {
    name: 'nats',
    about: `NATS ${version} at ${access.servers.join(', ')}, stream ${stream}, ${replicas === 1 ? '1 copy' : `${replicas} copies`}`,
    limits: [
      'whether nats-server writes through to the disk (sync_interval: always) cannot be seen from here',
      'platforms that accept at the same moment may together pass the bounds of a lane by what they accepted in it',
      'a call whose platform is cut off for longer than natsLease is given to another one while the first may still run it',
    ],
  };
}

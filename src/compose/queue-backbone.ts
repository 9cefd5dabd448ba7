import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, NatsConfig } from '../config/config.ts';
import { TinderboxError } from '../model/errors.ts';
import { notice } from '../observe/channels.ts';
import type { AsyncCalls } from '../queue/async-calls.ts';
import type { JobQueue } from '../queue/queue.ts';
import { createSqliteQueue } from '../queue/sqlite/sqlite-queue.ts';
import { readPrivateFile, writePrivateFile } from '../store/private-file.ts';

/** Where stored calls live. */
export interface QueueBackbone {
  readonly open: () => Promise<JobQueue>;
  /** Goes on with what an earlier platform left, or others; resolves with the way to stop trying. */
  resume(calls: Pick<AsyncCalls, 'resume'>): Promise<() => void>;
}

const againMs = 2000;

export function createQueueBackbone(config: Config): QueueBackbone {
  return config.nats === undefined ? onThisDisk(config) : inNats(config, config.nats);
}

function onThisDisk({ stateDir, queue: limits }: Config): QueueBackbone {
  const file = join(stateDir, 'queue.db');
  return {
    open: () => createSqliteQueue({ file, limits }),
    async resume(calls) {
      if (existsSync(file)) await calls.resume();
      return () => undefined;
    },
  };
}

/** A platform starts without NATS, and serves calls somebody waits for: only what will never do stops it. */
function inNats({ stateDir, queue: limits }: Config, nats: NatsConfig): QueueBackbone {
  return {
    async open() {
      const { createNatsQueue } = await import('../queue/nats/nats-queue.ts');
      const queue = await createNatsQueue({ ...nats, platform: await readPlatformId(stateDir), limits });
      const { about, limits: kept } = queue.backbone;
      notice.publish({ level: 'info', part: 'queue', message: `stored calls are kept in ${about}` });
      for (const limit of kept) notice.publish({ level: 'info', part: 'queue', message: limit });
      return queue;
    },
    async resume(calls) {
      let timer: NodeJS.Timeout | undefined;
      const attempt = async (): Promise<void> => {
        try {
          await calls.resume();
        } catch (error) {
          const { code, message } = TinderboxError.from(error);
          if (code !== 'unavailable') throw error;
          notice.publish({ level: 'warn', part: 'queue', message: `${message}; stored calls wait for it` });
          timer = setTimeout(() => void attempt().catch(tellFailure), againMs).unref();
        }
      };
      await attempt();
      return () => clearTimeout(timer);
    },
  };
}

function tellFailure(error: unknown): void {
  notice.publish({ level: 'error', part: 'queue', message: TinderboxError.from(error).message });
}

/** Tells this platform from the others, also after a restart. */
async function readPlatformId(stateDir: string): Promise<string> {
  const place = { what: 'name of this platform in NATS', file: join(stateDir, 'nats-platform') };
  const known = await readPrivateFile(place);
  if (known !== undefined && /^[a-z0-9]{16}$/.test(known.trim())) return known.trim();
  const made = randomBytes(8).toString('hex');
  await writePrivateFile(place, `${made}\n`);
  return made;
}

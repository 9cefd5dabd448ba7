import type { Connection } from './connection.ts';
import { errorFromReply } from './failures.ts';
import { failure, type Result, success } from './result.ts';

export interface HealthClient {
  /** Whether the platform takes requests; needs no credentials. */
  check(timeoutMs?: number): Promise<Result<void>>;
}

export function createHealthClient(connection: Connection): HealthClient {
  return {
    check: async (timeoutMs = 5000) => {
      const answered = await connection.send({ method: 'GET', path: '/healthz', timeoutMs });
      if (!answered.ok) return answered;
      if (answered.data.status !== 200) return failure(await errorFromReply(answered.data, connection.gateway));
      await answered.data.text().catch(() => '');
      return success(undefined);
    },
  };
}

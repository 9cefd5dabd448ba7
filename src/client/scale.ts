import type { Connection } from './connection.ts';
import { type Result, success } from './result.ts';

export interface ScaleClient {
  /** States how many replicas there should be; the scaler goes on from there. */
  set(name: string, replicas: number, namespace?: string): Promise<Result<void>>;
}

export function createScaleClient(connection: Connection): ScaleClient {
  return {
    set: async (name, replicas, namespace) => {
      const scaled = await connection.call({
        method: 'POST',
        path: `/system/scale-function/${encodeURIComponent(name)}`,
        json: { serviceName: name, replicas, ...(namespace === undefined ? {} : { namespace }) },
        timeoutMs: 60_000,
      });
      return scaled.ok ? success(undefined) : scaled;
    },
  };
}

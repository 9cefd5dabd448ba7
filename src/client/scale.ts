import type { ScalingReport } from '../model/scaling-report.ts';
import type { Connection } from './connection.ts';
import { type Result, success } from './result.ts';

export interface ScaleClient {
  /** States how many replicas there should be; the scaler goes on from there. */
  set(name: string, replicas: number, namespace?: string): Promise<Result<void>>;
  /** Every setting with its source, and the last decisions. */
  explain(name: string, namespace?: string): Promise<Result<ScalingReport>>;
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
    explain: (name, namespace) =>
      connection.json({
        method: 'GET',
        path: `/system/function/${encodeURIComponent(name)}/scaling`,
        query: { namespace },
      }),
  };
}

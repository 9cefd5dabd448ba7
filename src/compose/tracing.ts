import type { Config } from '../config/config.ts';
import type { Invoke } from '../model/invocation.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { JobTracer } from '../queue/job-tracer.ts';

/** What is put around calls, and what stored ones carry. */
export interface Tracing {
  readonly invoke: Invoke;
  /** Absent: nothing is traced. */
  readonly jobTracer?: JobTracer;
}

/** Time spans that are left have to get out when the platform stops. */
const flushMs = 2000;

/** Traces calls when a collector is configured; else `invoke` is handed on as it is, and none of this is loaded. */
export async function startTracing(
  config: Config,
  version: string,
  { metrics, invoke }: { readonly metrics: Metrics; readonly invoke: Invoke },
  stack: AsyncDisposableStack,
): Promise<Tracing> {
  const { tracing } = config;
  if (tracing === undefined) return { invoke };
  const [{ createPostOtlp }, { createSpanExporter }, { createTracer }, { traceInvoke }, { createJobTracer }] =
    await Promise.all([
      import('../observe/trace/post-otlp.ts'),
      import('../observe/trace/span-exporter.ts'),
      import('../observe/trace/tracer.ts'),
      import('../observe/trace/traced-invoke.ts'),
      import('../queue/job-tracer.ts'),
    ]);
  const { url, headers, serviceName, ratio, attributes } = tracing;
  const resource = { serviceName, version, attributes };
  const exporter = createSpanExporter({ post: createPostOtlp({ url, headers }), resource });
  stack.defer(() => exporter.close(AbortSignal.timeout(flushMs)));
  metrics.showSpans(() => exporter.counts());
  const tracer = createTracer({ sink: exporter, ratio });
  const traced = traceInvoke(invoke, tracer);
  stack.defer(() => traced.close());
  return { invoke: traced.invoke, jobTracer: createJobTracer(tracer) };
}

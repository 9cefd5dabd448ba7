import type { RawHeaders } from '../model/invocation.ts';
import type { OpenSpan, Tracer } from '../observe/trace/tracer.ts';
import { readTraceContext, withTraceContext } from '../observe/trace/trace-context.ts';
import type { CallbackAttempt } from './callback.ts';
import type { CallbackPayload, Job, LeasedJob } from './job.ts';

/** What tracing has to do with stored calls: the call carries its trace, and so does its callback. */
export interface JobTracer {
  /** A span for the storing; the job carries it, and whatever runs it later is below it. */
  accept(job: Job, store: (job: Job) => Promise<boolean>): Promise<boolean>;
  /** The headers of a callback with the trace of the call it answers. */
  carry(callHeaders: RawHeaders, headers: RawHeaders): RawHeaders;
  /** A span for one attempt to deliver a callback, which is told it. */
  deliver(
    job: LeasedJob,
    payload: CallbackPayload,
    send: (payload: CallbackPayload) => Promise<CallbackAttempt>,
  ): Promise<CallbackAttempt>;
}

export function createJobTracer(tracer: Tracer): JobTracer {
  return {
    async accept(job, store) {
      const { span, headers } = tracer.begin(job.payload.headers, { name: `send ${job.lane}`, kind: 'producer' });
      try {
        const isNew = await store({ ...job, payload: { ...job.payload, headers } });
        end(span, job, { 'tinderbox.repeated': !isNew });
        return isNew;
      } catch (error) {
        end(span, job, {}, (error as { code?: string }).code ?? 'error');
        throw error;
      }
    },
    carry(callHeaders, headers) {
      const context = readTraceContext(callHeaders);
      return context === undefined ? headers : withTraceContext(headers, context, false);
    },
    async deliver(job, payload, send) {
      const { host } = new URL(payload.url);
      const { span, headers } = tracer.begin(payload.headers, { name: `callback ${host}`, kind: 'client' });
      const attempt = await send({ ...payload, headers });
      const { status } = attempt;
      const failed = status >= 400 ? String(status) : undefined;
      end(
        span,
        job,
        { 'server.address': host, 'http.request.method': 'POST', 'http.response.status_code': status },
        failed,
      );
      return attempt;
    },
  };
}

function end(
  span: OpenSpan,
  { id, lane }: Job,
  more: Readonly<Record<string, string | number | boolean>>,
  error?: string,
): void {
  const named = { 'messaging.system': 'tinderbox', 'messaging.destination.name': lane, 'messaging.message.id': id };
  span.end({ ...named, ...more }, error);
}

import type { RequestHead } from '../../frame/head-text.ts';
import { cgiEnvironment } from './cgi-environment.ts';

/** What stays the same over all calls of a function. */
export interface ForkPlan {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether output is sent as it comes (`mode=streaming`), so that the status cannot tell of the exit any more. */
  readonly streams: boolean;
  /** Whether stderr goes into the answer (`combine_output=true`); default: into the log. */
  readonly combinesOutput: boolean;
  /** Whether the request is told in `Http_` variables; default yes, `cgi_headers=false`: no. */
  readonly tellsRequest: boolean;
  /** Content type of every answer (`content_type`). */
  readonly contentType: string | undefined;
}

/** Reads the function's settings from its environment, by the names OpenFaaS's watchdogs gave them. */
export function resolveForkPlan(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): ForkPlan {
  const contentType = env['content_type'];
  return {
    file,
    args,
    cwd,
    env,
    streams: env['mode'] === 'streaming',
    combinesOutput: env['combine_output'] === 'true',
    tellsRequest: env['cgi_headers'] !== 'false',
    contentType: contentType === '' ? undefined : contentType,
  };
}

/** Environment of the process of one call. */
export function environmentFor(plan: ForkPlan, head: RequestHead): Record<string, string> {
  return plan.tellsRequest ? { ...plan.env, ...cgiEnvironment(head) } : { ...plan.env };
}

/** The classic rule: what is configured, else the type of the request, else text. */
export function contentTypeFor(plan: ForkPlan, head: RequestHead): string {
  if (plan.contentType !== undefined) return plan.contentType;
  for (let at = 0; at < head.fields.length; at += 2) {
    if (head.fields[at]?.toLowerCase() === 'content-type') return head.fields[at + 1] || 'text/plain';
  }
  return 'text/plain';
}

import type { RequestHead } from '../../frame/head-text.ts';
import { fieldOf } from './call.ts';
import { cgiEnvironment } from './cgi-environment.ts';
import type { ModeSettings } from './mode-settings.ts';
import { sniffContentType } from './sniff-content-type.ts';

/** What stays the same over all calls of a function that is a process per call. */
export interface ForkPlan {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether output is sent as it comes, so that the status cannot tell of the exit any more. */
  readonly streams: boolean;
  readonly combinesOutput: boolean;
  readonly tellsRequest: boolean;
  readonly marshals: boolean;
  /** Content type of every answer. */
  readonly contentType: string | undefined;
  /** What decides it otherwise: the request, then the default; or the answer itself. */
  readonly types: 'request-or-text' | 'request-or-sniffed' | 'bytes';
  /** Whether the answer to a failed call has the output in it. */
  readonly failsWithOutput: boolean;
  /** Methods it takes; undefined: all. */
  readonly methods: ReadonlySet<string> | undefined;
}

const classicMethods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

export type Program = Pick<ForkPlan, 'file' | 'args' | 'cwd' | 'env'>;

export function forkPlanFromSettings(settings: ModeSettings, program: Program): ForkPlan {
  const { mode, combinesOutput, tellsRequest, marshals, contentType } = settings;
  const isOwn = mode === 'fork';
  const isClassic = mode === 'classic';
  return {
    ...program,
    streams: mode === 'streaming',
    combinesOutput,
    tellsRequest,
    marshals,
    contentType,
    types: isOwn ? 'request-or-text' : isClassic ? 'request-or-sniffed' : 'bytes',
    failsWithOutput: isOwn || isClassic,
    methods: isClassic ? classicMethods : undefined,
  };
}

/** Environment of the process of one call. */
export function environmentFor(plan: ForkPlan, head: RequestHead): Record<string, string> {
  return plan.tellsRequest ? { ...plan.env, ...cgiEnvironment(head) } : { ...plan.env };
}

/**
 * Content type of a good answer; `start`: as much of it as is known when the head is sent. Undefined: there is nothing
 * in it that could have one.
 */
export function contentTypeFor(plan: ForkPlan, head: RequestHead, start: Buffer): string | undefined {
  if (plan.contentType !== undefined) return plan.contentType;
  if (plan.types === 'bytes') return 'application/octet-stream';
  const asked = fieldOf(head.fields, 'content-type');
  if (asked !== undefined && asked !== '') return asked;
  if (plan.types === 'request-or-text') return 'text/plain';
  return start.length === 0 ? undefined : sniffContentType(start);
}

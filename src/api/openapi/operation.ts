import type { z } from 'zod';

/** What a body holds: JSON of this schema, JSON lines of it, or something that is no JSON. */
export type Content =
  | { readonly type: 'application/json' | 'application/x-ndjson'; readonly schema: z.ZodType }
  | { readonly type: 'text/plain' | 'application/x-tar' | '*/*' };

/** One method at one path, as the document tells it. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** With parameters in braces. */
  readonly path: string;
  readonly summary: string;
  /** Whether it is answered without the password. */
  readonly open?: boolean;
  /** Query parameters, name → what it does. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Content;
  /** Answers that are no errors, status → content; `[]` for an empty body, several where the client chooses. */
  readonly answers: Readonly<Record<number, readonly Content[]>>;
  /** Statuses of errors, each with a line of text; 401 is added where the password is asked for. */
  readonly errors?: readonly number[];
}

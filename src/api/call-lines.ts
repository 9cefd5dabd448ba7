import type { InvocationLine, InvocationStatus } from '../model/invocation-status.ts';
import { parseFunctionKey } from '../model/names.ts';
import type { ApiParts } from './api-parts.ts';

/** Lines one answer holds; the last ones. */
const mostLines = 1000;

/**
 * What a function wrote while it made a stored call, as far as its log is kept: the lines that carry the call's id, so
 * only those of first-party runtimes. Empty for a call that is no function's, such as a callback on its way.
 */
export async function readCallLines(
  { engine }: Pick<ApiParts, 'engine'>,
  call: Pick<InvocationStatus, 'id' | 'function' | 'created'>,
): Promise<readonly InvocationLine[]> {
  const { namespace, name } = parseFunctionKey(call.function);
  const query = { namespace, name, sinceMs: Date.parse(call.created), follow: false };
  const lines: InvocationLine[] = [];
  for await (const { callId, timestamp, instance, stream, text } of engine.logs(query, new AbortController().signal)) {
    if (callId !== call.id) continue;
    lines.push({ timestamp, instance, stream, text });
    if (lines.length > 2 * mostLines) lines.splice(0, mostLines);
  }
  return lines.slice(-mostLines);
}

import { TinderboxError } from '../../../model/errors.ts';
import { unsentError } from '../unsent.ts';

/** Codes of undici and llhttp that say the instance answered, but not in HTTP. */
const brokenAnswer = /^(HPE_|UND_ERR_(HEADERS_OVERFLOW|RES_CONTENT_LENGTH_MISMATCH|RES_EXCEEDED_MAX_SIZE)|ERR_HTTP)/;

/** The one place that translates errors of the HTTP clients. `began`: whether anything may have reached the instance. */
export function transportError(error: unknown, began: boolean): TinderboxError {
  if (error instanceof TinderboxError) return error;
  if (error instanceof Error && error.name === 'AbortError') return TinderboxError.from(error);
  const code = codeOf(error);
  if (code === 'UND_ERR_INVALID_ARG' || code === 'ERR_INVALID_CHAR' || code === 'ERR_UNESCAPED_CHARACTERS') {
    return new TinderboxError('invalid', 'the request cannot be passed on as HTTP', { cause: error });
  }
  if (!began) return unsentError('the instance could not be reached', error);
  if (brokenAnswer.test(code) || (error instanceof Error && error.name === 'HTTPParserError')) {
    return new TinderboxError('bad-reply', 'the function answered something that is not valid HTTP', { cause: error });
  }
  return new TinderboxError('lost', 'the instance ended the connection before the call was done', { cause: error });
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

import { parseCommandLine } from '../../model/command-line.ts';
import { TinderboxError } from '../../model/errors.ts';
import { readFlag, readText } from './read-variable.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** `classic` is the classic watchdog; `fork` the platform's own: its rules, but stderr in the log and every method. */
export type WatchdogMode = 'fork' | 'classic' | 'streaming' | 'serializing' | 'http' | 'static';

const modes: readonly string[] = [
  'classic',
  'streaming',
  'serializing',
  'http',
  'static',
  'fork',
] satisfies WatchdogMode[];

/** What was a mode once, or is one only inside a Go program. */
const refused: Readonly<Record<string, string>> = {
  afterburn: 'it was removed from OpenFaaS; mode "http" does the same over HTTP',
  inproc: 'it exists only for Go programs that have the watchdog built in; build it as a server and use mode "http"',
};

/** Variables that choose how a function is run, by the names of both of OpenFaaS's watchdogs. */
export interface ModeSettings {
  readonly mode: WatchdogMode;
  /** `upstream_url`, `http_upstream_url`: where the program of mode `http` listens. */
  readonly upstream: { readonly host: string; readonly port: number } | undefined;
  /** `static_path`. */
  readonly staticPath: string | undefined;
  /** `static_fallback`: file of the folder served, with 200, where a page was asked for that is not there. */
  readonly staticFallback: string | undefined;
  /** `content_type` of every answer. */
  readonly contentType: string | undefined;
  /** `cgi_headers`: whether the request is told in `Http_` variables. */
  readonly tellsRequest: boolean;
  /** `marshal_request`: whether stdin is JSON with header and body. */
  readonly marshals: boolean;
  /** `combine_output`: whether stderr goes into the answer; default: in mode `classic`. */
  readonly combinesOutput: boolean;
  /** `buffer_http`, `http_buffer_req_body`: whether a body of unknown length is read whole, so that its length is told. */
  readonly buffersBody: boolean;
}

/** Reads them. Throws `config` naming the variable, its value and what it may be. */
export function resolveModeSettings(env: Env, fallback: WatchdogMode): ModeSettings {
  const mode = resolveMode(readText(env, 'mode'), fallback);
  return {
    mode,
    upstream: resolveUpstream(env, mode),
    staticPath: readText(env, 'static_path'),
    staticFallback: readText(env, 'static_fallback'),
    contentType: resolveContentType(readText(env, 'content_type')),
    tellsRequest: readFlag(env, 'cgi_headers', true),
    marshals: readFlag(env, 'marshal_request', false),
    combinesOutput: readFlag(env, 'combine_output', mode === 'classic'),
    buffersBody: readFlag(env, 'buffer_http', false) || readFlag(env, 'http_buffer_req_body', false),
  };
}

/** Command of the function: `function_process`, else `fprocess`. Throws `config` where its mode needs one. */
export function resolveCommand(env: Env, mode: WatchdogMode): readonly string[] {
  if (mode === 'static') return [];
  const text = readText(env, 'function_process') ?? readText(env, 'fprocess');
  if (text !== undefined) return parseCommandLine(text, 'fprocess');
  throw new TinderboxError('config', `fprocess is not set: mode "${mode}" needs a program to run`, {
    hint: 'set fprocess (or function_process) to its command line, for example fprocess=cat',
  });
}

function resolveMode(text: string | undefined, fallback: WatchdogMode): WatchdogMode {
  if (text === undefined) return fallback;
  if (modes.includes(text)) return text as WatchdogMode;
  const why = refused[text];
  if (why !== undefined) throw new TinderboxError('config', `mode "${text}" is not there any more: ${why}`);
  throw new TinderboxError('config', `mode "${text}" is not one of ${modes.join(', ')}`);
}

function resolveUpstream(env: Env, mode: WatchdogMode): ModeSettings['upstream'] {
  const text = readText(env, 'http_upstream_url') ?? readText(env, 'upstream_url');
  if (mode !== 'http') return undefined;
  if (text === undefined) {
    throw new TinderboxError('config', 'upstream_url is not set: mode "http" needs to know where the program listens', {
      hint: 'for example upstream_url=http://127.0.0.1:3000',
    });
  }
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || url.protocol !== 'http:' || url.hostname === '') {
    throw new TinderboxError('config', `upstream_url "${text}" is not an address such as http://127.0.0.1:3000`);
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) };
}

function resolveContentType(text: string | undefined): string | undefined {
  if (text === undefined || /^[\t\x20-\x7e]+$/.test(text)) return text;
  throw new TinderboxError('config', `content_type ${JSON.stringify(text)} cannot be the value of a header`);
}

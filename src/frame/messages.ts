/**
 * The frame protocol's vocabulary, version 1. The whole protocol with its state machine and limits is written down in
 * `docs/frame-protocol.md`; Python has its own copy in `runtime/python`, held equal by shared vectors.
 */

/** Every frame: type u8, flags u8, stream u32, length u32 (all big-endian), then `length` bytes. */
export const headerBytes = 10;

export const frameType = {
  hello: 1,
  specialise: 2,
  ready: 3,
  head: 4,
  data: 5,
  trailers: 6,
  cancel: 7,
  window: 8,
  error: 9,
  drain: 10,
  ping: 11,
  pong: 12,
} as const;

/** Flag bit on head, data and trailers: nothing more comes on this stream from this side. */
export const endFlag = 1;

export const protocolVersion = 1;

/** Limits both sides hold; a peer that breaks one loses the connection. */
export const frameLimits = {
  /** Largest payload of a data frame. */
  dataBytes: 16 * 1024,
  /** Largest head or trailers payload. */
  headBytes: 64 * 1024,
  /** Largest hello, ready, error, cancel payload. */
  controlBytes: 64 * 1024,
  /** Largest specialise payload. */
  specialiseBytes: 4 * 1024 * 1024,
  /** Largest ping and pong payload. */
  pingBytes: 64,
  /** Bytes in flight one side may have unacknowledged, per stream and per connection. */
  streamWindow: 64 * 1024,
  connectionWindow: 1024 * 1024,
} as const;

/** First frame on every connection, both ways. */
export interface Hello {
  readonly version: number;
  /** `router`, `engine`, `node`, `python` or `watchdog`. */
  readonly role: string;
}

/** Makes a generic runtime process one function; at most once in its life. Sent by the engine. */
export interface Specialise {
  /** Path the engine connected to; a process that listens elsewhere refuses. Absent: whoever is there is meant. */
  readonly socket?: string;
  readonly instance: string;
  readonly name: string;
  readonly namespace: string;
  readonly revision: string;
  /** Absolute artifact directory, and the manifest's paths made absolute. */
  readonly artifact: string;
  readonly workdir: string;
  /** Handler module (node, python). */
  readonly handler?: string;
  /** Command with arguments (watchdog, one process per call). */
  readonly process?: readonly string[];
  readonly modulePaths: readonly string[];
  readonly compileCache?: string;
  /** The whole environment of the function, `HOME`, `TMPDIR` and `PATH` included. */
  readonly env: Readonly<Record<string, string>>;
  /** Set by a warm process before anything foreign is loaded; absent when the launcher already did. */
  readonly identity?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  readonly concurrency: number;
  readonly timeoutMs: number;
}

/** Answer to specialise on the same connection: the handler is loaded, or why not. */
export interface Ready {
  readonly ok: boolean;
  /** For a person: exception text with stack, at most 16 KiB. */
  readonly reason?: string;
  /** Handler shape found, for example `event-context`, `fetch`, `asgi`, `wsgi`, `classic`. */
  readonly style?: string;
}

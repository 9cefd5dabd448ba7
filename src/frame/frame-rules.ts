import { endFlag, frameLimits, frameType } from './messages.ts';
import { FrameViolation } from './violation.ts';

/** Which end of a connection this is; the engine counts as `router`. */
export type Side = 'router' | 'runtime';

/** What one type of frame may look like. */
interface FrameShape {
  readonly name: string;
  /** Side that may receive it; undefined: both. */
  readonly receiver?: Side;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** `connection`: stream 0; `stream`: any other; `either`. */
  readonly scope: 'connection' | 'stream' | 'either';
  readonly end: 'never' | 'maybe' | 'always';
}

const { headBytes, dataBytes, controlBytes, specialiseBytes, pingBytes } = frameLimits;

/** One row per type, indexed by its number; what is not here does not exist. */
const shapes: readonly (FrameShape | undefined)[] = shapesByType({
  [frameType.hello]: { name: 'hello', minBytes: 2, maxBytes: controlBytes, scope: 'connection', end: 'never' },
  [frameType.specialise]: {
    name: 'specialise',
    receiver: 'runtime',
    minBytes: 2,
    maxBytes: specialiseBytes,
    scope: 'connection',
    end: 'never',
  },
  [frameType.ready]: {
    name: 'ready',
    receiver: 'router',
    minBytes: 2,
    maxBytes: controlBytes,
    scope: 'connection',
    end: 'never',
  },
  [frameType.head]: { name: 'head', minBytes: 1, maxBytes: headBytes, scope: 'stream', end: 'maybe' },
  [frameType.data]: { name: 'data', minBytes: 0, maxBytes: dataBytes, scope: 'stream', end: 'maybe' },
  [frameType.trailers]: { name: 'trailers', minBytes: 0, maxBytes: headBytes, scope: 'stream', end: 'always' },
  [frameType.cancel]: { name: 'cancel', receiver: 'runtime', minBytes: 0, maxBytes: 0, scope: 'stream', end: 'never' },
  [frameType.window]: { name: 'window', minBytes: 4, maxBytes: 4, scope: 'either', end: 'never' },
  [frameType.error]: {
    name: 'error',
    receiver: 'router',
    minBytes: 1,
    maxBytes: controlBytes,
    scope: 'stream',
    end: 'never',
  },
  [frameType.drain]: {
    name: 'drain',
    receiver: 'router',
    minBytes: 0,
    maxBytes: 0,
    scope: 'connection',
    end: 'never',
  },
  [frameType.ping]: { name: 'ping', minBytes: 0, maxBytes: pingBytes, scope: 'connection', end: 'never' },
  [frameType.pong]: { name: 'pong', minBytes: 0, maxBytes: pingBytes, scope: 'connection', end: 'never' },
});

function shapesByType(table: Readonly<Record<number, FrameShape>>): (FrameShape | undefined)[] {
  return Array.from({ length: frameType.pong + 1 }, (_, type) => table[type]);
}

/** Checks a frame header before a byte of its payload is kept. Throws FrameViolation. */
export function assertFrameHeader(receiver: Side, type: number, flags: number, stream: number, length: number): void {
  const shape = shapes[type];
  if (shape === undefined) throw new FrameViolation('type', `frame type ${type} does not exist`);
  if (shape.receiver !== undefined && shape.receiver !== receiver) {
    throw new FrameViolation('type', `a ${shape.name} frame must not be sent to the ${receiver}`);
  }
  if (length < shape.minBytes || length > shape.maxBytes) {
    const limits = `${shape.minBytes} to ${shape.maxBytes}`;
    throw new FrameViolation('length', `a ${shape.name} frame of ${length} bytes; the limits are ${limits}`);
  }
  const end = flags === endFlag;
  if ((flags !== 0 && !end) || (end && shape.end === 'never') || (!end && shape.end === 'always')) {
    throw new FrameViolation('flags', `flags ${flags} on a ${shape.name} frame`);
  }
  if (shape.scope !== 'either' && (stream === 0) !== (shape.scope === 'connection')) {
    throw new FrameViolation('stream', `a ${shape.name} frame on stream ${stream}`);
  }
  if (type === frameType.data && length === 0 && !end) {
    throw new FrameViolation('length', 'an empty data frame without END');
  }
}

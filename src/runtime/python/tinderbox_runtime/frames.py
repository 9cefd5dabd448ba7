"""The wire format of docs/frame-protocol.md, version 1: which frames there are, what they may look like, how a stream
of bytes becomes frames. Held equal to src/frame by test/fixtures/frame-vectors.json.
"""

from _struct import Struct

HELLO, SPECIALISE, READY, HEAD, DATA, TRAILERS, CANCEL, WINDOW, ERROR, DRAIN, PING, PONG = range(1, 13)

END = 1
PROTOCOL_VERSION = 1
HEADER_BYTES = 10
DATA_BYTES = 16 * 1024
HEAD_BYTES = 64 * 1024
CONTROL_BYTES = 64 * 1024
SPECIALISE_BYTES = 4 * 1024 * 1024
PING_BYTES = 64
STREAM_WINDOW = 64 * 1024
CONNECTION_WINDOW = 1024 * 1024

_header = Struct(">BBII")
unpack_header = _header.unpack_from
pack_header = _header.pack
_u32 = Struct(">I")
unpack_u32 = _u32.unpack
pack_u32 = _u32.pack

_CONNECTION, _STREAM, _EITHER = 0, 1, 2
_NEVER, _MAYBE, _ALWAYS = 0, 1, 2

# By type: name, the only side that may receive it, least and most bytes, scope, END.
_SHAPES = {
    HELLO: ("hello", None, 2, CONTROL_BYTES, _CONNECTION, _NEVER),
    SPECIALISE: ("specialise", "runtime", 2, SPECIALISE_BYTES, _CONNECTION, _NEVER),
    READY: ("ready", "router", 2, CONTROL_BYTES, _CONNECTION, _NEVER),
    HEAD: ("head", None, 1, HEAD_BYTES, _STREAM, _MAYBE),
    DATA: ("data", None, 0, DATA_BYTES, _STREAM, _MAYBE),
    TRAILERS: ("trailers", None, 0, HEAD_BYTES, _STREAM, _ALWAYS),
    CANCEL: ("cancel", "runtime", 0, 0, _STREAM, _NEVER),
    WINDOW: ("window", None, 4, 4, _EITHER, _NEVER),
    ERROR: ("error", "router", 1, CONTROL_BYTES, _STREAM, _NEVER),
    DRAIN: ("drain", "router", 0, 0, _CONNECTION, _NEVER),
    PING: ("ping", None, 0, PING_BYTES, _CONNECTION, _NEVER),
    PONG: ("pong", None, 0, PING_BYTES, _CONNECTION, _NEVER),
}


class FrameViolation(Exception):
    """The peer broke the protocol: its connection ends. `rule` is one of the words of src/frame/violation.ts."""

    def __init__(self, rule, message):
        super().__init__(message)
        self.rule = rule


def check_header(receiver, kind, flags, stream, length):
    """Checks a frame header before a byte of its payload is kept."""
    shape = _SHAPES.get(kind)
    if shape is None:
        raise FrameViolation("type", "frame type %d does not exist" % kind)
    name, only, least, most, scope, end = shape
    if only is not None and only != receiver:
        raise FrameViolation("type", "a %s frame must not be sent to the %s" % (name, receiver))
    if length < least or length > most:
        raise FrameViolation("length", "a %s frame of %d bytes; the limits are %d to %d" % (name, length, least, most))
    if flags > END or (flags == END and end == _NEVER) or (flags != END and end == _ALWAYS):
        raise FrameViolation("flags", "flags %d on a %s frame" % (flags, name))
    if scope != _EITHER and (stream == 0) != (scope == _CONNECTION):
        raise FrameViolation("stream", "a %s frame on stream %d" % (name, stream))
    if kind == DATA and length == 0 and flags != END:
        raise FrameViolation("length", "an empty data frame without END")


class FrameReader:
    """Incremental decoder of one connection: calls `sink(kind, flags, stream, payload)` for every whole frame."""

    __slots__ = ("_sink", "_receiver", "_rest", "_need")

    def __init__(self, sink, receiver="runtime"):
        self._sink = sink
        self._receiver = receiver
        self._rest = bytearray()
        self._need = HEADER_BYTES

    def push(self, data):
        """Raises FrameViolation, and what the sink raises; the reader is unusable then."""
        rest = self._rest
        if rest:
            rest += data
            if len(rest) < self._need:
                return
            data = bytes(rest)
            rest.clear()
        self._need = HEADER_BYTES
        at = 0
        size = len(data)
        while size - at >= HEADER_BYTES:
            kind, flags, stream, length = unpack_header(data, at)
            check_header(self._receiver, kind, flags, stream, length)
            start = at + HEADER_BYTES
            if start + length > size:
                self._need = HEADER_BYTES + length
                break
            at = start + length
            self._sink(kind, flags, stream, data[start:at])
        if at < size:
            rest += data[at:]


def frame(kind, flags, stream, payload=b""):
    return pack_header(kind, flags, stream, len(payload)) + payload

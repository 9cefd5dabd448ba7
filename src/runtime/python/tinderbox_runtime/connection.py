"""One connection of a router or an engine, seen from the runtime.

Owns: the order of frames, stream numbers, both windows, and taking turns between calls that send much.
Does not own: when a handler runs, and in which thread.

Invariants
1. Frames are read by one thread at a time, the one that leads; what is sent may come from any thread that holds the
   gate's lock.
2. A stream exists from its head until our END or error; what the router still sends on it afterwards is ignored.
3. At most STREAM_WINDOW bytes of a request wait here unread. The connection's window is given back when bytes arrive,
   so one call that does not read never holds up the others.
4. No data is added while more than CONGESTED_BYTES wait for the kernel.
"""

from _collections import deque

from .call import Call
from .frames import (
    CANCEL,
    CONNECTION_WINDOW,
    DATA,
    DATA_BYTES,
    DRAIN,
    END,
    FrameReader,
    FrameViolation,
    HEAD,
    HELLO,
    PING,
    PONG,
    PROTOCOL_VERSION,
    READY,
    SPECIALISE,
    TRAILERS,
    WINDOW,
    pack_header,
    pack_u32,
    unpack_u32,
)
from .heads import parse_trailers
from .json_text import format_flat, parse_json

CONGESTED_BYTES = 256 * 1024
_READ_BYTES = 128 * 1024


class Connection:
    __slots__ = ("socket", "calls", "waiting", "closed", "_hub", "_reader", "_out", "_out_bytes", "_send_window")
    __slots__ += ("_received", "_last", "_greeted", "_draining")

    def __init__(self, hub, socket):
        self.socket = socket
        self.calls = {}
        self.waiting = deque()
        self.closed = False
        self._hub = hub
        self._reader = FrameReader(self._dispatch)
        self._out = []
        self._out_bytes = 0
        self._send_window = CONNECTION_WINDOW
        self._received = 0
        self._last = 0
        self._greeted = False
        self._draining = False
        self.send(HELLO, 0, 0, format_flat({"version": PROTOCOL_VERSION, "role": "python"}).encode())

    def fileno(self):
        return self.socket.fileno()

    # Reading: only the leading thread.

    def readable(self):
        """Reads what is there. False when the connection is over."""
        try:
            data = self.socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        if not data:
            return False
        try:
            self._reader.push(data)
        except FrameViolation as violation:
            self._hub.log("the router broke the frame protocol (%s): %s" % (violation.rule, violation))
            return False
        return not self.closed

    def _dispatch(self, kind, flags, stream, payload):
        if kind == HEAD:
            if not self._greeted:
                raise FrameViolation("state", "frame type 4 before hello")
            self._opened(stream, payload, flags == END)
        elif not self._greeted:
            self._greet(kind, payload)
        elif kind == DATA:
            self._data(stream, payload, flags == END)
        elif kind == WINDOW:
            self._window(stream, unpack_u32(payload)[0])
        elif kind == CANCEL:
            self._cancelled(stream)
        elif kind == TRAILERS:
            self._trailers(stream, payload)
        elif kind == PING:
            self._ping(payload)
        elif kind == SPECIALISE:
            self._hub.specialise(self, payload)
        elif kind == HELLO:
            raise FrameViolation("state", "a second hello")

    def _greet(self, kind, payload):
        if kind != HELLO:
            raise FrameViolation("state", "frame type %d before hello" % kind)
        try:
            hello = parse_json(payload.decode())
            role, version = hello["role"], hello["version"]
        except (ValueError, TypeError, KeyError):
            raise FrameViolation("text", "hello is not an object with version and role") from None
        if not isinstance(role, str):
            raise FrameViolation("text", "hello has no role")
        if version != PROTOCOL_VERSION or isinstance(version, bool):
            raise FrameViolation("version", "version %r; this side speaks %d" % (version, PROTOCOL_VERSION))
        self._greeted = True

    def _opened(self, stream, payload, end):
        if stream <= self._last:
            raise FrameViolation("stream", "stream %d after stream %d" % (stream, self._last))
        self._last = stream
        call = Call(self, stream, self._hub.head_parser.parse(payload), end)
        self.calls[stream] = call
        self._hub.opened(call)

    def _data(self, stream, payload, end):
        size = len(payload)
        self._received += size
        if self._received >= CONNECTION_WINDOW // 2:
            with self._hub.gate.lock:
                self.send(WINDOW, 0, 0, pack_u32(self._received))
            self._received = 0
        call = self._known(stream, "data")
        if call is not None:
            call.arrived(payload, end)
            self._hub.arrived(call)

    def _trailers(self, stream, payload):
        parse_trailers(payload)
        call = self._known(stream, "trailers")
        if call is not None:
            call.arrived(b"", True)
            self._hub.arrived(call)

    def _cancelled(self, stream):
        call = self._known(stream, "cancel")
        if call is not None:
            call.stop("canceled")

    def _window(self, stream, size):
        with self._hub.gate.lock:
            if stream:
                call = self._known(stream, "window")
                if call is not None:
                    call.granted(size)
            else:
                self._send_window += size
                if size == 0 or self._send_window > CONNECTION_WINDOW:
                    raise FrameViolation("window", "the connection was granted %d bytes that were not in use" % size)
            self.pump()

    def _ping(self, payload):
        with self._hub.gate.lock:
            if self._out_bytes > CONGESTED_BYTES:
                raise FrameViolation("state", "pings without reading the answers")
            self.send(PONG, 0, 0, payload)

    def _known(self, stream, name):
        call = self.calls.get(stream)
        if call is None and stream > self._last:
            raise FrameViolation("stream", "a %s frame on stream %d, which is not open" % (name, stream))
        return call

    # Sending: holding the gate's lock.

    def send(self, kind, flags, stream, payload):
        if self.closed:
            return
        self._out.append(pack_header(kind, flags, stream, len(payload)))
        self._out.append(payload)
        self._out_bytes += 10 + len(payload)
        self._hub.wrote(self)

    def send_ready(self, values):
        self.send(READY, 0, 0, format_flat(values).encode())

    def drain(self):
        if not self._draining:
            self._draining = True
            self.send(DRAIN, 0, 0, b"")

    def room(self):
        """Bytes of data that may be sent now, over all calls."""
        return 0 if self._out_bytes > CONGESTED_BYTES else self._send_window

    def send_data(self, stream, payload, end):
        self._send_window -= len(payload)
        self.send(DATA, END if end else 0, stream, payload)

    def wait(self, call):
        if call not in self.waiting:
            self.waiting.append(call)

    def pump(self):
        """Sends what waits, one data frame of each call in turn, as far as the windows allow."""
        blocked = 0
        waiting = self.waiting
        while waiting and blocked < len(waiting) and self.room() > 0:
            call = waiting.popleft()
            turn = call.take_turn(min(DATA_BYTES, self.room()))
            if turn == "more":
                blocked = 0
                waiting.append(call)
            elif turn == "blocked":
                blocked += 1
                waiting.append(call)

    def flush(self):
        """Gives the kernel what it takes. True when something is left."""
        if self.closed:
            return False
        while self._out:
            data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            try:
                sent = self.socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self._out = []
                self._out_bytes = 0
                return False
            self._out_bytes -= sent
            if sent < len(data):
                self._out = [data[sent:]]
                return True
            self._out = []
            self.pump()
        return False

    def close(self):
        """Ends it; calls are told that it is lost."""
        if self.closed:
            return
        with self._hub.gate.lock:
            self.closed = True
            self._out = []
            self.waiting.clear()
        for call in list(self.calls.values()):
            call.stop("lost")
        self.socket.close()

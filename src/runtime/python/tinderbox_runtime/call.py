"""One call: what arrived of its request, what waits to be sent of its answer, and how it ends."""

from _collections import deque
from time import monotonic

from .frames import DATA_BYTES, END, ERROR, FrameViolation, HEAD, STREAM_WINDOW, TRAILERS, WINDOW, pack_u32
from .heads import format_reply_head

_MAX_ERROR_CHARS = 1000


class CallStopped(ConnectionError):
    """Nobody waits for the answer any more: raised in a handler that reads or streams."""


def is_bodyless(head, status):
    """Whether the answer to a request carries no body."""
    return head.method == "HEAD" or status == 204 or status == 304


class Call:
    """Over when its handler has settled and an END or error is on its way; then its slot is free.

    The `arrived`, `granted`, `stop` and `take_turn` half belongs to the connection, the rest to who runs the handler.
    """

    __slots__ = ("id", "head", "deadline", "stopped", "begun", "body_end", "waiting_bytes", "on_change")
    __slots__ += ("is_bodyless",)
    __slots__ += ("_connection", "_hub", "_gate", "_chunks", "_receive_window", "_consumed", "_send_window", "_out")
    __slots__ += ("_out_end", "_head_sent", "_ended", "_settled")

    def __init__(self, connection, stream, head, end):
        self.id = stream
        self.head = head
        self.deadline = monotonic() + head.remaining_ms / 1000 if head.remaining_ms else None
        self.stopped = None  # "canceled" or "lost"
        self.begun = False  # the handler was called
        self.body_end = end
        self.waiting_bytes = 0
        self.on_change = None  # called when something arrived, all was sent, or the call was stopped; must not block
        self.is_bodyless = False  # the answer that has begun carries no body, whatever the handler gives
        self._connection = connection
        self._hub = connection._hub
        self._gate = connection._hub.gate
        self._chunks = None
        self._receive_window = STREAM_WINDOW
        self._consumed = 0
        self._send_window = STREAM_WINDOW
        self._out = None
        self._out_end = False
        self._head_sent = False
        self._ended = False
        self._settled = False

    # From the connection

    def arrived(self, payload, end):
        if self.body_end:
            raise FrameViolation("state", "data after END on stream %d" % self.id)
        with self._gate.lock:
            self._receive_window -= len(payload)
            if self._receive_window < 0:
                raise FrameViolation(
                    "window", "stream %d sent %d bytes more than allowed" % (self.id, -self._receive_window)
                )
            if payload:
                if self._chunks is None:
                    self._chunks = deque()
                self._chunks.append(payload)
                self.waiting_bytes += len(payload)
            self.body_end = end
            self._gate.open()
        if self.on_change is not None:
            self.on_change()

    def granted(self, size):
        self._send_window += size
        if size == 0 or self._send_window > STREAM_WINDOW:
            raise FrameViolation("window", "stream %d was granted %d bytes that were not in use" % (self.id, size))

    def stop(self, reason):
        """Nobody waits any more. The slot stays taken until the handler has settled."""
        with self._gate.lock:
            if self._ended or self.stopped is not None:
                return
            self.stopped = reason
            self._out = None
            if self._settled or not self.begun:
                self.begun = True
                self._settled = True
                self._send_error("canceled", "")
            self._gate.open()
        if self.on_change is not None:
            self.on_change()

    def take_turn(self, limit):
        """Sends at most one data frame of what waits: "more", "blocked" by our window, or "empty"."""
        out = self._out
        if not out:
            return "empty"
        first = out[0]
        size = min(len(first), limit, self._send_window)
        if size == 0 and len(first) > 0:
            return "blocked"
        last = size == len(first) and len(out) == 1
        self._send_window -= size
        if size == len(first):
            out.popleft()
        else:
            out[0] = first[size:]
        self._connection.send_data(self.id, first[:size], last and self._out_end)
        if not last:
            return "more"
        if self._out_end:
            self._end()
        self._gate.open()
        if self.on_change is not None:
            self.on_change()
        return "empty"

    # For who runs the handler

    def take_body(self):
        """Bytes that have arrived; b"" when there are none now."""
        with self._gate.lock:
            data = self._take_all()
            self._hub.commit()
            return data

    def read_chunk(self):
        """Waits for bytes; b"" at the end of the body. Raises CallStopped. Not in the leading thread."""
        with self._gate.lock:
            while True:
                if self.stopped is not None:
                    raise CallStopped("the call was stopped: %s" % self.stopped)
                if self._chunks or self.body_end:
                    data = self._take_all()
                    self._hub.commit()
                    return data
                self._gate.wait()

    def reply(self, status, fields, body):
        """Answers with a whole body; waits for nothing. Raises FrameViolation when a field cannot be sent."""
        bare = not body or is_bodyless(self.head, status)
        payload = format_reply_head(status, len(body), fields)
        with self._gate.lock:
            if self.stopped is not None:
                return
            self._head_sent = True
            connection = self._connection
            connection.send(HEAD, END if bare else 0, self.id, payload)
            if bare:
                self._end()
            elif len(body) <= DATA_BYTES and len(body) <= connection.room():
                self._send_window -= len(body)
                connection.send_data(self.id, body, True)
                self._end()
            else:
                self._queue(memoryview(body), True)
            self._hub.commit()

    def begin_reply(self, status, fields, length):
        """Sends the head of a streamed answer. Raises FrameViolation as `reply`."""
        payload = format_reply_head(status, length, fields)
        self.is_bodyless = is_bodyless(self.head, status)
        with self._gate.lock:
            if self.stopped is None:
                self._head_sent = True
                self._connection.send(HEAD, 0, self.id, payload)
                self._hub.commit()

    @property
    def has_replied(self):
        return self._head_sent

    def queue(self, data, end):
        """Adds body bytes; true: they wait for a window, and so should the caller. Raises CallStopped."""
        with self._gate.lock:
            if self.stopped is not None:
                raise CallStopped("the call was stopped: %s" % self.stopped)
            if data or end:
                self._queue(memoryview(data), end)
                self._hub.commit()
            return bool(self._out)

    def wait_until_sent(self):
        """Waits until all that was queued is sent. Raises CallStopped. Not in the leading thread."""
        with self._gate.lock:
            while self._out:
                self._gate.wait()
            if self.stopped is not None:
                raise CallStopped("the call was stopped: %s" % self.stopped)

    def send_trailers(self, payload):
        """Ends a streamed answer, of which all was sent, with trailers."""
        with self._gate.lock:
            if self.stopped is None:
                self._connection.send(TRAILERS, END, self.id, payload)
                self._end()
                self._hub.commit()

    def fail(self, code, message):
        """Ends the call without an answer, or breaks off one that has begun; one that is whole goes on."""
        with self._gate.lock:
            if not self._ended and not self._out_end:
                self._out = None
                self._send_error(code, message)
                self._hub.commit()

    def settle(self):
        """The handler is done with this call: nothing more will be sent but what is queued."""
        with self._gate.lock:
            if self._settled:
                return
            self._settled = True
            if self.stopped is not None:
                self._send_error("canceled", "")
            elif not self._ended and not self._out:
                self._send_error("failed" if self._head_sent else "bad-reply", "the handler ended without an answer")
            elif self._ended:
                self._over()
            self._hub.commit()

    # Holding the lock

    def _take_all(self):
        chunks = self._chunks
        if not chunks:
            return b""
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self.waiting_bytes = 0
        self._consumed += len(data)
        if not self.body_end and self._consumed >= STREAM_WINDOW // 2 and not self._ended:
            self._receive_window += self._consumed
            self._connection.send(WINDOW, 0, self.id, pack_u32(self._consumed))
            self._consumed = 0
        return data

    def _queue(self, data, end):
        if self._out is None:
            self._out = deque()
        self._out.append(data)
        self._out_end = end
        self._connection.wait(self)
        self._connection.pump()

    def _send_error(self, code, message):
        if not self._ended:
            line = " ".join(message[:_MAX_ERROR_CHARS].split())
            self._connection.send(ERROR, 0, self.id, ("%s\n%s" % (code, line)).encode("utf-8", "replace"))
        self._end()

    def _end(self):
        self._ended = True
        if self._settled:
            self._over()

    def _over(self):
        if self._connection.calls.pop(self.id, None) is not None:
            self._hub.over(self)

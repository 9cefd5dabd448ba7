"""What the function prints: each line written during a call begins with `\\x1e<call id>\\x1f`, which the keeper takes
away and records. A line belongs to one call: where another wrote half of one, it is ended first.
"""

import io

import posix
from _contextvars import ContextVar
from _thread import allocate_lock

# Id of the call on whose behalf code runs; "" outside of calls.
current_call = ContextVar("tinderbox_call", default="")


class MarkedOutput(io.RawIOBase):
    """Writes to a descriptor; every thread may."""

    def __init__(self, fd):
        super().__init__()
        self._fd = fd
        self._lock = allocate_lock()
        self._unfinished = None  # whose line is not ended yet

    def write(self, data):
        data = bytes(data)
        if data:
            with self._lock:
                self._write_all(self._marked(data, current_call.get()))
        return len(data)

    def writable(self):
        return True

    def fileno(self):
        return self._fd

    def isatty(self):
        return False

    def _marked(self, data, call_id):
        unfinished = self._unfinished
        whole = data.endswith(b"\n")
        self._unfinished = None if whole else call_id
        mark = b"\x1e%s\x1f" % call_id.encode() if call_id else b""
        lines = data[:-1] if whole else data
        if mark:
            lines = lines.replace(b"\n", b"\n" + mark)
        if unfinished != call_id:
            lines = (b"" if unfinished is None else b"\n") + mark + lines
        return lines + b"\n" if whole else lines

    def _write_all(self, data):
        view = memoryview(data)
        while view:
            view = view[posix.write(self._fd, view) :]


class LineBuffer(io.BufferedIOBase):
    """Between the text layer and the descriptor: keeps the pieces of one print together until the line ends."""

    def __init__(self, raw):
        super().__init__()
        self.raw = raw
        self._pieces = {}

    def write(self, data):
        """`print` writes its words one by one; what has no line end waits for it, up to some KiB."""
        call_id = current_call.get()
        piece = self._pieces.pop(call_id, b"") + bytes(data)
        cut = piece.rfind(b"\n") + 1 or (len(piece) if len(piece) > 8192 else 0)
        if cut:
            self.raw.write(piece[:cut])
        if cut < len(piece):
            self._pieces[call_id] = piece[cut:]
        return len(data)

    def flush(self):
        """A flush in the middle of a line shows what there is."""
        piece = self._pieces.pop(current_call.get(), b"")
        if piece:
            self.raw.write(piece)

    def end_call(self):
        """The current call ends: so does the line it left open."""
        piece = self._pieces.pop(current_call.get(), b"")
        if piece:
            self.raw.write(piece + b"\n")

    def writable(self):
        return True

    def fileno(self):
        return self.raw.fileno()

    def isatty(self):
        return False


def mark_output():
    """Puts marking streams in the place of sys.stdout and sys.stderr; returns their buffers."""
    import sys

    buffers = []
    for name, fd in (("stdout", 1), ("stderr", 2)):
        buffer = LineBuffer(MarkedOutput(fd))
        errors = "backslashreplace" if name == "stderr" else "replace"
        stream = io.TextIOWrapper(buffer, encoding="utf-8", errors=errors, newline="\n", write_through=True)
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)
        buffers.append(buffer)
    return buffers

"""The body of a request as a file that is read while it arrives."""


class BodyReader:
    """Binary, read-only, not seekable; as `wsgi.input` must be. Raises CallStopped when the caller went away."""

    def __init__(self, call, server):
        self._call = call
        self._server = server
        self._buffer = b""

    def read(self, size=-1):
        if size is None or size < 0:
            chunks = [self._buffer]
            self._buffer = b""
            chunk = self._more()
            while chunk:
                chunks.append(chunk)
                chunk = self._more()
            return b"".join(chunks)
        while len(self._buffer) < size:
            chunk = self._more()
            if not chunk:
                break
            self._buffer += chunk
        return self._cut(size)

    def read1(self, size=-1):
        """What is there, after waiting for at least one byte."""
        if not self._buffer:
            self._buffer = self._more()
        return self._cut(len(self._buffer) if size is None or size < 0 else size)

    def readline(self, size=-1):
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched) + 1
            if end or (0 <= size <= len(self._buffer)):
                break
            searched = len(self._buffer)
            chunk = self._more()
            if not chunk:
                break
            self._buffer += chunk
        end = end or len(self._buffer)
        return self._cut(end if size is None or size < 0 else min(end, size))

    def readlines(self, hint=-1):
        lines = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if 0 < (hint or -1) <= total:
                break
        return lines

    def __iter__(self):
        return iter(self.readline, b"")

    def readable(self):
        return True

    def _cut(self, size):
        data = self._buffer[:size]
        self._buffer = self._buffer[size:]
        return data

    def _more(self):
        call = self._call
        if call.waiting_bytes == 0 and not call.body_end:
            self._server.about_to_block()
        return call.read_chunk()

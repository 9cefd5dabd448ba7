"""WSGI applications (PEP 3333)."""

import sys

from .body_reader import BodyReader
from .shapes import send_head, send_whole


def wsgi_shape(app):
    def run(call, server):
        response = _Response(call, server)
        result = app(_environ(call, server), response.start)
        try:
            response.send_all(result)
        finally:
            if hasattr(result, "close"):
                result.close()

    return run


class _Response:
    def __init__(self, call, server):
        self._call = call
        self._server = server
        self._status = None
        self._fields = []
        self._length = None
        self._sent_head = False

    def start(self, status, headers, exc_info=None):
        """`start_response` of PEP 3333."""
        if exc_info is not None:
            try:
                if self._sent_head:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._status is not None:
            raise AssertionError("start_response was called twice without exc_info")
        self._status = int(status[:3])
        self._fields = []
        self._length = None
        for name, value in headers:
            if name.lower() == "content-length":
                self._length = int(value)
            else:
                self._fields += (name, value)
        return self._write

    def send_all(self, result):
        if isinstance(result, (list, tuple)) and not self._sent_head and self._status is not None:
            send_whole(self._call, self._status, self._fields, b"".join(result), self._length)
            return
        for chunk in result:
            if chunk:
                self._write(chunk)
            if self._call.is_bodyless:
                break
        if self._status is None:
            raise AssertionError("the application did not call start_response")
        if not self._sent_head:
            send_whole(self._call, self._status, self._fields, b"", self._length)
        elif self._sent_head == "good":
            self._call.queue(b"", True)

    def _write(self, data):
        if self._status is None:
            raise AssertionError("the application sent a body before it called start_response")
        if not self._sent_head:
            self._server.about_to_block()
            good = send_head(self._call, self._status, self._fields, self._length)
            self._sent_head = "good" if good else "bad"
        if self._sent_head == "good" and not self._call.is_bodyless and self._call.queue(data, False):
            self._call.wait_until_sent()


def _environ(call, server):
    head = call.head
    path, _, query = head.target.partition("?")
    if "%" in path:
        from urllib.parse import unquote_to_bytes

        path = unquote_to_bytes(path).decode("latin-1")
    environ = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BodyReader(call, server),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "tinderbox.call_id": head.call_id,
    }
    if head.length is not None:
        environ["CONTENT_LENGTH"] = str(head.length)
    _add_fields(environ, head.fields)
    return environ


def _add_fields(environ, fields):
    for at in range(0, len(fields), 2):
        # A name with an underscore could pass for another one with a hyphen.
        if "_" in fields[at]:
            continue
        name = fields[at].upper().replace("-", "_")
        if name == "CONTENT_LENGTH":
            continue
        key = name if name == "CONTENT_TYPE" else "HTTP_" + name
        if key == "HTTP_HOST":
            host, _, port = fields[at + 1].rpartition(":")
            if host and port.isdigit():
                environ["SERVER_NAME"], environ["SERVER_PORT"] = host, port
            else:
                environ["SERVER_NAME"] = fields[at + 1]
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = environ[key] + joint + fields[at + 1] if key in environ else fields[at + 1]

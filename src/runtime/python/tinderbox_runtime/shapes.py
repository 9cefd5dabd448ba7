"""The handler shapes OpenFaaS users know: handle(event, context) and handle(req); and what they may return."""

import os

from .body_reader import BodyReader
from .call import is_bodyless
from .frames import FrameViolation

_TEXT_TYPE = "text/plain; charset=utf-8"
_BYTES_TYPE = "application/octet-stream"
_JSON_TYPE = "application/json"
_RESPONSE_KEYS = frozenset(("statusCode", "body", "headers"))


class Headers(dict):
    """Request headers: first spelling of each name, repeated values joined; found in any case."""

    def __init__(self, fields):
        super().__init__()
        self._names = {}
        for at in range(0, len(fields), 2):
            name, value = fields[at], fields[at + 1]
            known = self._names.setdefault(name.lower(), name)
            joint = "; " if known.lower() == "cookie" else ", "
            self[known] = dict.__getitem__(self, known) + joint + value if known in self.keys() else value

    def __getitem__(self, name):
        return super().__getitem__(self._names[name.lower()])

    def __contains__(self, name):
        return isinstance(name, str) and name.lower() in self._names

    def get(self, name, default=None):
        return self[name] if name in self else default


class Query(dict):
    """Query parameters: the first value of each name; `getlist` has them all."""

    def __init__(self, text):
        super().__init__()
        self._all = {}
        if text:
            from urllib.parse import parse_qs

            self._all = parse_qs(text, keep_blank_values=True)
            self.update((name, values[0]) for name, values in self._all.items())

    def getlist(self, name):
        return list(self._all.get(name, ()))


class Event:
    """What is called. `body` is bytes and waits for all of it; `stream` is a binary file of the same bytes."""

    def __init__(self, call, server, body=None):
        self._call = call
        self._server = server
        self._body = body
        self._headers = None
        self._query = None
        self._stream = None

    @property
    def method(self):
        return self._call.head.method

    @property
    def path(self):
        path = self._call.head.target.partition("?")[0]
        if "%" in path:
            from urllib.parse import unquote

            return unquote(path)
        return path

    @property
    def query(self):
        if self._query is None:
            self._query = Query(self._call.head.target.partition("?")[2])
        return self._query

    @property
    def headers(self):
        if self._headers is None:
            self._headers = Headers(self._call.head.fields)
        return self._headers

    @property
    def body(self):
        if self._body is None:
            if self._stream is None and self._call.body_end:
                self._body = self._call.take_body()
            else:
                self._body = self.stream.read()
        return self._body

    @property
    def stream(self):
        if self._stream is None:
            self._stream = BodyReader(self._call, self._server)
        return self._stream


class Context:
    """Where it runs. `call_id` is the id in every log line; `remaining_ms()` is None without a deadline."""

    def __init__(self, call, names):
        self._call = call
        self.call_id = call.head.call_id
        self.function, self.namespace, self.hostname = names

    def remaining_ms(self):
        from time import monotonic

        deadline = self._call.deadline
        return None if deadline is None else max(0, int((deadline - monotonic()) * 1000))

    @property
    def stopped(self):
        """Whether nobody waits for the answer any more."""
        return self._call.stopped is not None


def event_shape(handle, spec, is_async):
    names = (spec.get("name"), spec.get("namespace"), os.environ.get("HOSTNAME", "localhost"))

    def run(call, server):
        answer(call, server, handle(Event(call, server), Context(call, names)))

    async def run_async(call, server):
        event = Event(call, server, await server.whole_body(call))
        await server.answer(call, handle(event, Context(call, names)))

    return run_async if is_async else run


def classic_shape(handle, spec, is_async):
    """Text in, text out. Bytes that are not UTF-8 survive the way through a `str`."""

    def run(call, server):
        answer(call, server, handle(_text(Event(call, server).body)))

    async def run_async(call, server):
        await server.answer(call, handle(_text(await server.whole_body(call))))

    return run_async if is_async else run


def _text(body):
    return body.decode("utf-8", "surrogateescape")


def answer(call, server, value):
    """Answers with what a handler returned. Iterators are streamed."""
    status, fields, body, length = reply_parts(value)
    if isinstance(body, bytes):
        send_whole(call, status, fields, body, length)
        return
    server.about_to_block()
    if not send_head(call, status, fields, length):
        return
    try:
        for chunk in () if call.is_bodyless else body:
            data = encode(chunk)
            if data and call.queue(data, False):
                call.wait_until_sent()
    finally:
        if hasattr(body, "close"):
            body.close()
    call.queue(b"", True)


def reply_parts(value):
    """Status, fields, body (bytes or an iterator), told length (None: as it is) of what a handler returned."""
    status, headers, body = 200, None, value
    if isinstance(value, dict) and not _RESPONSE_KEYS.isdisjoint(value):
        status, headers, body = value.get("statusCode", 200), value.get("headers"), value.get("body")
    elif isinstance(value, tuple) and 2 <= len(value) <= 3:
        body, status, headers = (*value, None)[:3]
    fields, has_type, length = _fields(headers)
    body, kind = _body(body)
    if kind is not None and not has_type:
        fields += ("content-type", kind)
    return status, fields, body, length


def encode(chunk):
    if isinstance(chunk, str):
        return chunk.encode("utf-8", "surrogateescape")
    return bytes(chunk)


def send_whole(call, status, fields, body, length=None):
    """A told length counts only where no body is sent."""
    try:
        status = check_status(status)
        if length is not None and not body and is_bodyless(call.head, status):
            call.begin_reply(status, fields, length)
            call.queue(b"", True)
        else:
            call.reply(status, fields, body)
    except (FrameViolation, ValueError, TypeError) as error:
        _bad_reply(call, error)


def send_head(call, status, fields, length):
    try:
        call.begin_reply(check_status(status), fields, length)
        return True
    except (FrameViolation, ValueError, TypeError) as error:
        _bad_reply(call, error)
        return False


def check_status(status):
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise ValueError("status %r; 200 to 599 are allowed" % (status,))
    return int(status)


def _bad_reply(call, error):
    import sys

    text = "the function's answer is not valid: %s" % error
    sys.stderr.write("tinderbox: %s\n" % text)
    call.fail("bad-reply", text)


def _fields(headers):
    fields = []
    has_type = False
    length = None
    for name, value in _pairs(headers):
        name = str(name)
        lower = name.lower()
        if lower == "content-length":
            length = int(value) if str(value).isdigit() else None
            continue
        has_type = has_type or lower == "content-type"
        for one in value if isinstance(value, (list, tuple)) else (value,):
            fields += (name, one if isinstance(one, str) else str(one))
    return fields, has_type, length


def _pairs(headers):
    if headers is None:
        return ()
    return headers.items() if hasattr(headers, "items") else headers


def _body(value):
    """As bytes or iterator, and the content type it has when none is given."""
    if value is None:
        return b"", None
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape"), _TEXT_TYPE
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), _BYTES_TYPE
    if hasattr(value, "__next__") or hasattr(value, "__anext__"):
        return value, _BYTES_TYPE
    import json

    return json.dumps(value).encode(), _JSON_TYPE



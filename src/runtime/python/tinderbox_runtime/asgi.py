"""ASGI applications (https://asgi.readthedocs.io, version 3.0): HTTP and lifespan."""

import asyncio

from .heads import check_names
from .shapes import send_head, send_whole


def asgi_shape(app):
    async def run(call, server):
        exchange = _Exchange(call, server)
        await app(exchange.scope(), exchange.receive, exchange.send)
        exchange.assert_complete()

    return run


class _Exchange:
    """`receive` and `send` of one request."""

    def __init__(self, call, server):
        self._call = call
        self._server = server
        self._body_told = False
        self._start = None
        self._streaming = False
        self._trailers_due = False
        self._trailers = []
        self._complete = False

    def scope(self):
        head = self._call.head
        target, _, query = head.target.partition("?")
        path = target
        if "%" in path:
            from urllib.parse import unquote

            path = unquote(path)
        fields = head.fields
        headers = [
            (fields[at].lower().encode("latin-1"), fields[at + 1].encode("latin-1")) for at in range(0, len(fields), 2)
        ]
        if head.length is not None and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", b"%d" % head.length))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": head.method,
            "scheme": "http",
            "path": path,
            "raw_path": target.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": headers,
            "client": None,
            "server": None,
            "state": dict(self._server.state),
            "extensions": {"http.response.trailers": {}, "tinderbox": {"call_id": head.call_id}},
        }

    async def receive(self):
        call = self._call
        while True:
            if call.stopped is not None or self._complete:
                return {"type": "http.disconnect"}
            if not self._body_told:
                data = call.take_body()
                if data or call.body_end:
                    self._body_told = call.body_end
                    return {"type": "http.request", "body": data, "more_body": not call.body_end}
            await self._server.changed(call)

    async def send(self, message):
        kind = message["type"]
        if kind == "http.response.start" and self._start is None:
            self._begin(message)
        elif kind == "http.response.body" and self._start is not None and not self._complete:
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.trailers" and self._trailers_due:
            self._send_trailers(message)
        else:
            raise RuntimeError("the application sent %s out of order" % kind)
        if self._complete:
            # Whoever waits for more of the request hears that it is over.
            self._server.tell(self._call)

    def assert_complete(self):
        if not self._complete:
            raise RuntimeError("the application returned without completing its response")

    def _begin(self, message):
        fields = []
        length = None
        for name, value in message.get("headers", ()):
            if bytes(name).lower() == b"content-length":
                length = int(value)
            else:
                fields += (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
        self._start = (message["status"], fields, length)
        self._trailers_due = bool(message.get("trailers", False))

    async def _send_body(self, body, more):
        call = self._call
        if not more and not self._streaming and not self._trailers_due:
            self._complete = True
            send_whole(call, *self._start[:2], bytes(body), self._start[2])
            return
        if not self._streaming:
            self._streaming = True
            if not send_head(call, *self._start):
                self._complete = True
                return
        ends = not more and not self._trailers_due
        self._complete = ends
        await self._server.send(call, b"" if call.is_bodyless else bytes(body), ends)

    def _send_trailers(self, message):
        for name, value in message.get("headers", ()):
            self._trailers += (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
        if not message.get("more_trailers", False):
            self._complete = True
            check_names(self._trailers)
            self._call.send_trailers("\n".join(self._trailers).encode("latin-1"))


class Lifespan:
    """Startup and shutdown of an application that wants to know of them; one that raises at once does not."""

    def __init__(self, app, state):
        self._app = app
        self._state = state
        self._to_app = asyncio.Queue()
        self._from_app = asyncio.Queue()
        self._task = None

    async def start(self):
        self._task = asyncio.ensure_future(self._run())
        await self._to_app.put({"type": "lifespan.startup"})
        message = await self._from_app.get()
        if message.get("type") == "lifespan.startup.failed":
            raise RuntimeError("the application failed to start: %s" % message.get("message", ""))

    async def stop(self):
        if not self._task.done():
            await self._to_app.put({"type": "lifespan.shutdown"})
            await asyncio.wait({self._task}, timeout=5)

    async def _run(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self._state}
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except BaseException:
            pass
        await self._from_app.put({"type": "unsupported"})

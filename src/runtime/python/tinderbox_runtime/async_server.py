"""Runs coroutine handlers and ASGI applications: one asyncio loop reads the sockets and runs the tasks, in one thread."""

import asyncio
import select

from .call import CallStopped
from .exit import exit_process
from .frames import FrameViolation
from .output import current_call
from .report import log_error, report_failure
from .shapes import encode, reply_parts, send_head, send_whole

_LOOK_SECONDS = 0.05
_MAX_REASON_CHARS = 16 * 1024


class LoopPoll:
    """The interface of select.poll over an asyncio loop."""

    def __init__(self, loop, ready):
        self._loop = loop
        self._ready = ready

    def register(self, fd, mask):
        self._loop.add_reader(fd, self._ready, fd, True, False)
        self.modify(fd, mask)

    def modify(self, fd, mask):
        if mask & select.POLLOUT:
            self._loop.add_writer(fd, self._ready, fd, False, True)
        else:
            self._loop.remove_writer(fd)

    def unregister(self, fd):
        self._loop.remove_reader(fd)
        self._loop.remove_writer(fd)


class AsyncServer:
    """Its methods are called in the loop's thread; a call that is stopped has its task cancelled."""

    def __init__(self, hub, loaded, concurrency, connection, outputs):
        self.concurrency = concurrency
        self.ready = False
        self._hub = hub
        self._loaded = loaded
        self._connection = connection
        self._outputs = outputs
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._flushing = False
        self._running = {}
        self._drained = asyncio.Event()
        # What the application keeps from its start, for its requests.
        self.state = {}

    def serve(self):
        """The main thread's part; never returns."""
        self._hub.flush()
        self._hub.take_poll(LoopPoll(self._loop, self._hub.ready))
        self._hub.on_dirty = self._schedule_flush
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        lifespan = await self._start_lifespan()
        with self._hub.gate.lock:
            self.ready = True
            self._connection.send_ready({"ok": True, "style": self._loaded.style})
        await self._drained.wait()
        while not self._hub.finished():
            await asyncio.sleep(_LOOK_SECONDS)
        if lifespan is not None:
            await lifespan.stop()
        exit_process(0)

    async def _start_lifespan(self):
        if self._loaded.app is None:
            return None
        from .asgi import Lifespan

        lifespan = Lifespan(self._loaded.app, self.state)
        try:
            await lifespan.start()
        except Exception as error:
            reason = log_error(error)[-_MAX_REASON_CHARS:]
            with self._hub.gate.lock:
                self._connection.send_ready({"ok": False, "reason": reason})
            while not self._connection.closed:
                await asyncio.sleep(_LOOK_SECONDS)
            exit_process(1)
        return lifespan

    # For the hub

    def arrived(self, call):
        call.begun = True
        task = self._loop.create_task(self._run(call))

        def on_change():
            changed = self._running.get(call)
            # A task that is cancelled before its first step never takes it, and nobody would settle the call.
            if changed is None:
                return
            if call.stopped is None:
                changed.set()
            else:
                task.cancel()

        call.on_change = on_change

    def lost(self, connection):
        pass

    def specialise(self, connection, payload):
        raise FrameViolation("state", "a second specialise")

    def stopped(self):
        self._hub.drain()
        self._drained.set()

    # For handlers

    async def changed(self, call):
        """Waits until something arrived or was sent."""
        event = self._running[call]
        event.clear()
        await event.wait()

    def tell(self, call):
        """Lets who waits in `changed` look again. Fine when the call is over."""
        changed = self._running.get(call)
        if changed is not None:
            changed.set()

    async def whole_body(self, call):
        chunks = []
        while True:
            chunks.append(call.take_body())
            if call.body_end:
                return b"".join(chunks)
            await self.changed(call)

    async def send(self, call, data, end):
        """Adds body bytes and waits until they are sent, whatever arrives meanwhile."""
        waits = call.queue(data, end)
        while waits and not end:
            await self.changed(call)
            waits = call.queue(b"", False)

    async def answer(self, call, value):
        """Answers with what a handler returned: a coroutine, an iterator of either kind, or a value."""
        if hasattr(value, "__await__"):
            value = await value
        status, fields, body, length = reply_parts(value)
        if isinstance(body, bytes):
            send_whole(call, status, fields, body, length)
        elif send_head(call, status, fields, length):
            async for chunk in _each(() if call.is_bodyless else body):
                data = encode(chunk)
                if data:
                    await self.send(call, data, False)
            call.queue(b"", True)

    async def _run(self, call):
        current_call.set(call.head.call_id)
        self._running[call] = asyncio.Event()
        try:
            if call.stopped is None:
                await self._loaded.run(call, self)
        except CallStopped:
            pass
        except asyncio.CancelledError as error:
            if call.stopped is None:
                report_failure(call, error)
        except BaseException as error:
            report_failure(call, error)
        for output in self._outputs:
            output.end_call()
        del self._running[call]
        call.on_change = None
        call.settle()

    def _schedule_flush(self):
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self):
        self._flushing = False
        self._hub.flush()


async def _each(body):
    if hasattr(body, "__anext__"):
        try:
            async for chunk in body:
                yield chunk
        finally:
            if hasattr(body, "aclose"):
                await body.aclose()
        return
    for chunk in body:
        yield chunk
        await asyncio.sleep(0)

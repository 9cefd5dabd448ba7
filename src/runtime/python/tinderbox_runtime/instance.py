"""The process seen as one instance: generic, then one function or failed, and draining from anywhere."""

import os
import sys
from _signal import SIGINT, SIGTERM, set_wakeup_fd, signal
from _socket import AF_UNIX, SOCK_STREAM, socket

from .become import become
from .exit import exit_process
from .frames import FrameViolation
from .hub import Hub
from .json_text import parse_json
from .load import load_handler
from .output import mark_output
from .report import log_error
from .sync_server import SyncServer

_STATUS_FD = 3
_BACKLOG = 128
_MAX_REASON_CHARS = 16 * 1024


class Instance:
    """What the hub tells of until there is a server. A second specialise, on whatever connection, ends that one."""

    ready = False
    concurrency = 0

    def __init__(self, hub, outputs):
        self.server = None
        self._hub = hub
        self._outputs = outputs
        self._specialised = False
        self._failed_on = None

    def specialise(self, connection, payload):
        if self._specialised:
            raise FrameViolation("state", "a second specialise")
        spec = _parse_specialise(payload)
        self._specialised = True
        try:
            self.server = self._become(spec, connection)
        except BaseException as error:  # also a handler module that calls sys.exit
            self._fail(connection, error)

    def _become(self, spec, connection):
        become(spec, self._hub.descriptors)
        loaded = load_handler(spec)
        if loaded.is_async:
            from .async_server import AsyncServer as Server
        else:
            Server = SyncServer
        return Server(self._hub, loaded, spec.get("concurrency", 0), connection, self._outputs)

    def _fail(self, connection, error):
        reason = log_error(error)[-_MAX_REASON_CHARS:]
        with self._hub.gate.lock:
            connection.send_ready({"ok": False, "reason": reason})
        self._failed_on = connection

    def arrived(self, call):
        """Never: no call begins before the instance is ready."""

    def lost(self, connection):
        if connection is self._failed_on:
            exit_process(1)

    def stopped(self):
        self._hub.drain()


def _parse_specialise(payload):
    """One that was meant for another socket came here by a link somebody put in its place: see the protocol's page."""
    try:
        spec = parse_json(payload.decode())
    except ValueError:
        raise FrameViolation("text", "specialise is not JSON") from None
    if spec.get("socket", os.environ["TINDERBOX_SOCKET"]) != os.environ["TINDERBOX_SOCKET"]:
        raise FrameViolation("state", "a specialise meant for another process")
    return spec


def run_instance():
    """Serves until told to stop; never returns."""
    path = os.environ.get("TINDERBOX_SOCKET", "")
    if not path:
        sys.exit("tinderbox: TINDERBOX_SOCKET is not set")
    hub = Hub(_listen(path))
    instance = hub.app = Instance(hub, mark_output())
    _hear_signals(hub)
    _say_listening()
    while instance.server is None:
        hub.step(50 if hub.draining else None)
        if hub.finished():
            exit_process(0)
    hub.app = instance.server
    instance.server.serve()
    exit_process(0)


def _listen(path):
    """Only the platform may connect: the socket is made for its user alone, before any change of identity."""
    listener = socket(AF_UNIX, SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(path)
    except OSError as error:
        sys.exit("tinderbox: cannot listen on %s: %s" % (path, error.strerror))
    finally:
        os.umask(mask)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def _hear_signals(hub):
    """The C handler writes the number where the leading thread reads; no Python code has to run in the main thread.

    An asyncio loop that a function gives signals to takes that place; then the Python handler does it, in that loop.
    """
    set_wakeup_fd(hub.wake_fd, warn_on_full_buffer=False)
    for number in (SIGTERM, SIGINT):
        signal(number, lambda number, _: hub.wake(number))


def _say_listening():
    try:
        os.write(_STATUS_FD, b"listening\n")
        os.close(_STATUS_FD)
    except OSError:
        pass  # started by hand: there is nobody to tell

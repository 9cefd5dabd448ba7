"""The sockets of this process: accepts connections, reads and writes them, counts the calls, drains.

Invariants
1. `gate.lock` is held for everything that is sent, and for everything about calls that another thread may see.
2. Only the leading thread reads, accepts, polls and closes; others send at once, and wake it for what is left.
3. While draining no call begins. The process is finished when no call runs and the routers have hung up, or had
   their time to.
"""

import select
import sys
from _signal import SIGINT, SIGTERM
from _socket import socket
from _thread import get_ident
from time import monotonic

import posix

from .connection import Connection
from .gate import Gate
from .heads import HeadParser

_READ = select.POLLIN | select.POLLHUP | select.POLLERR
_WRITE = select.POLLOUT
_GOODBYE_SECONDS = 1.0


class Hub:
    def __init__(self, listener):
        self.gate = Gate()
        self.head_parser = HeadParser()
        self.leader = get_ident()
        self.running = 0
        self.draining = False
        self.on_dirty = None  # called when something waits to be sent and no step is under way
        self.app = None  # hears of calls: see instance.py
        self._listener = listener
        self._connections = {}
        self._dirty = []
        self._blocked = set()
        self._poll = select.poll()
        self._wake_read, self._wake_write = posix.pipe()
        for fd in (self._wake_read, self._wake_write):
            posix.set_blocking(fd, False)
        self._poll.register(listener.fileno(), select.POLLIN)
        self._poll.register(self._wake_read, select.POLLIN)
        self._idle_since = None

    @property
    def wake_fd(self):
        """A byte written here wakes the leading thread; the number of a signal that ends the process is looked at."""
        return self._wake_write

    @property
    def descriptors(self):
        """Every descriptor in use."""
        own = [self._listener.fileno(), self._wake_read, self._wake_write]
        return [fd for fd in own + list(self._connections) if fd >= 0]

    def take_poll(self, poll):
        """From now on somebody else watches the descriptors, and calls `ready` and `flush`."""
        self._poll = poll
        for fd in (self._listener.fileno(), self._wake_read):
            poll.register(fd, select.POLLIN)
        for fd, connection in self._connections.items():
            poll.register(fd, _READ)
            self._blocked.add(connection)

    # The leading thread

    def step(self, timeout_ms=None):
        """Waits for the sockets, reads what came, sends what waits."""
        self.flush()
        for fd, event in self._poll.poll(timeout_ms):
            self.ready(fd, bool(event & _READ), bool(event & _WRITE))
        self.flush()

    def ready(self, fd, readable, writable):
        """A descriptor can be read or written."""
        if fd == self._wake_read:
            self._woken()
        elif fd == self._listener.fileno():
            self._accept()
        else:
            connection = self._connections.get(fd)
            if connection is None:
                return
            if writable:
                self._unblock(connection)
            if readable and not connection.readable():
                self._drop(fd, connection)

    def flush(self):
        """Sends what waits, as far as the kernel takes it."""
        if self._dirty or self._blocked:
            with self.gate.lock:
                self._flush_dirty()
                for connection in self._blocked:
                    if not connection.closed:
                        self._poll.modify(connection.fileno(), _READ | _WRITE)
                self._blocked.clear()

    def finished(self):
        """Whether a drain is complete."""
        if not self.draining or self.running > 0:
            self._idle_since = None
            return False
        if not self._connections:
            return True
        if self._idle_since is None:
            self._idle_since = monotonic()
        return monotonic() - self._idle_since > _GOODBYE_SECONDS

    def drain(self):
        """No new calls; the routers are told."""
        if self.draining:
            return
        self.draining = True
        self._poll.unregister(self._listener.fileno())
        self._listener.close()
        with self.gate.lock:
            for connection in self._connections.values():
                connection.drain()

    # From the connections

    def opened(self, call):
        """A call arrived. It begins only when there is an app that takes it."""
        with self.gate.lock:
            self.running += 1
        if self.draining:
            self._refuse(call, "draining", "the instance takes no more calls")
        elif self.app is None or not self.app.ready:
            self._refuse(call, "not-ready", "the instance has no handler yet")
        elif 0 < self.app.concurrency < self.running:
            message = "the instance has %d calls, its limit is %d" % (self.running - 1, self.app.concurrency)
            self._refuse(call, "overloaded", message)
        else:
            self.app.arrived(call)

    def arrived(self, call):
        """More of a call's body arrived."""
        if not call.begun:
            self.app.arrived(call)

    def over(self, call):
        """A call's slot is free. Called holding the lock."""
        self.running -= 1
        if self.draining and self.running == 0:
            self.wake()

    def specialise(self, connection, payload):
        self.app.specialise(connection, payload)

    def wrote(self, connection):
        """Something waits to be sent. Called holding the lock."""
        if connection not in self._dirty:
            self._dirty.append(connection)
            if self.on_dirty is not None:
                self.on_dirty()

    def commit(self):
        """Ends a piece of sending: other threads than the leading one send now. Called holding the lock."""
        if get_ident() != self.leader:
            self._flush_dirty()
            if self._blocked:
                self.wake()

    def wake(self, number=0):
        """`number`: of a signal that ends the process."""
        try:
            posix.write(self._wake_write, bytes((number,)))
        except BlockingIOError:
            pass

    def log(self, text):
        sys.stderr.write("tinderbox: %s\n" % text)

    def _flush_dirty(self):
        while self._dirty:
            connection = self._dirty.pop()
            if connection.flush():
                self._blocked.add(connection)

    def _refuse(self, call, code, message):
        call.begun = True
        call.fail(code, message)
        call.settle()

    def _accept(self):
        try:
            fd, _ = self._listener._accept()
        except OSError:
            return
        accepted = socket(fileno=fd)
        accepted.setblocking(False)
        with self.gate.lock:
            connection = self._connections[fd] = Connection(self, accepted)
            if self.draining:
                connection.drain()
        self._poll.register(fd, _READ)

    def _unblock(self, connection):
        with self.gate.lock:
            self._poll.modify(connection.fileno(), _READ)
            if connection.flush():
                self._blocked.add(connection)

    def _drop(self, fd, connection):
        self._poll.unregister(fd)
        del self._connections[fd]
        connection.close()
        if self.app is not None:
            self.app.lost(connection)

    def _woken(self):
        try:
            data = posix.read(self._wake_read, 512)
        except BlockingIOError:
            return
        # A function may hear signals of its own, whose numbers come here as well.
        if SIGTERM in data or SIGINT in data:
            self.app.stopped()

"""Run by hub.test.ts: calls are counted holding the lock, since other threads count as well."""

import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from tinderbox_runtime.hub import Hub


class CountingHub(Hub):
    """Python before 3.10 may change threads in the middle of `+= 1`."""

    @property
    def running(self):
        return self._count

    @running.setter
    def running(self, count):
        assert count == 0 or self.gate.lock.locked(), "counted without the lock"
        self._count = count


class App:
    ready = True
    concurrency = 0
    calls = 0

    def arrived(self, call):
        self.calls += 1


hub = CountingHub(socket.socket())
hub.app = App()
hub.opened(object())
hub.opened(object())
with hub.gate.lock:
    hub.over(object())
assert (hub.running, hub.app.calls) == (1, 2)
print("ok")

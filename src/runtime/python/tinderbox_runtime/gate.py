"""A lock with waiting: what threading.Condition is, without importing threading at the start."""

from _thread import allocate_lock


class Gate:
    """`with gate.lock:` holds it; `wait` lets go of it until `open` is called by another thread."""

    __slots__ = ("lock", "_waiters")

    def __init__(self):
        self.lock = allocate_lock()
        self._waiters = []

    def wait(self, timeout=-1):
        """Call holding the lock; holds it again on return. False when the time (seconds) passed first."""
        signal = allocate_lock()
        signal.acquire()
        self._waiters.append(signal)
        self.lock.release()
        try:
            return signal.acquire(True, timeout)
        finally:
            self.lock.acquire()
            if signal in self._waiters:
                self._waiters.remove(signal)

    def open(self):
        """Wakes all who wait. Call holding the lock."""
        if self._waiters:
            waking = self._waiters
            self._waiters = []
            for signal in waking:
                signal.release()

    def open_one(self):
        """Wakes who has waited longest; false when nobody waits. Call holding the lock."""
        if not self._waiters:
            return False
        self._waiters.pop(0).release()
        return True

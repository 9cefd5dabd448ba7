"""Runs plain handlers: in the thread that reads the sockets while they are quick, in others when they wait.

One thread leads: it reads, and runs handlers itself, so that a quick call costs no switch of threads. A sentinel looks
every few milliseconds; while the leading thread is still in the same handler, another thread takes the lead, and the
old one becomes one of the crew when it is done. A handler about to wait for its body or a window gives the lead away
at once. Handlers that were seen to wait get threads of their own; now and then the leading one tries again.

Invariants
1. There is one leading thread, or the lead is vacant and a thread is on its way to it.
2. `crew.lock` is never held together with the hub's gate.
3. A call is run once, by whoever took it off `_pending`; what is pending is looked at by every thread that is done.
"""

import resource
from _collections import deque
from _thread import allocate_lock, get_ident, start_new_thread
from time import monotonic, sleep

from .call import CallStopped
from .exit import exit_process
from .frames import FrameViolation
from .gate import Gate
from .output import current_call
from .report import report_failure

_LOOK_SECONDS = 0.005
_SLOW_SECONDS = 0.001
_FLUSH_SECONDS = 0.001
_FIRST_PROBE_SECONDS = 1.0
_LAST_PROBE_SECONDS = 30.0
_SPARE_SECONDS = 10.0
_QUIET_LOOKS = 20
_DEFAULT_THREADS = 32
_MAX_THREADS = 256
# A handler that is not eager begins when so much of its body is there, or all of it.
_BEGIN_BYTES = 32 * 1024
_THREAD = getattr(resource, "RUSAGE_THREAD", None)


def _waits():
    """How often this thread has waited for something so far; where the system does not tell, as if always."""
    return 0 if _THREAD is None else resource.getrusage(_THREAD).ru_nvcsw


class SyncServer:
    ready = True

    def __init__(self, hub, loaded, concurrency, connection, outputs):
        self.concurrency = concurrency
        self._hub = hub
        self._run_handler = loaded.run
        self._eager = loaded.eager
        self._outputs = outputs
        self._pending = deque()
        self._crew = Gate()
        # One more than may run handlers: somebody has to read.
        self._max_threads = min(concurrency or _DEFAULT_THREADS, _MAX_THREADS) + 1
        self._threads = 1
        self._coming = 0  # threads started or woken that have not looked for a job yet
        self._vacant = True
        self._term = 0
        self._inline = True
        self._average = 0.0
        self._probe_at = 0.0
        self._probe_seconds = _FIRST_PROBE_SECONDS
        self._turn = 0  # number of the handler run in the leading thread
        self._busy = 0  # the same while it runs, else 0
        self._sentinel = None  # a lock it sleeps on; None: not started
        self._sentinel_asleep = False
        with hub.gate.lock:
            connection.send_ready({"ok": True, "style": loaded.style})

    def serve(self):
        """The main thread's part; never returns."""
        self._work(is_main=True)

    # For the hub, in the leading thread

    def arrived(self, call):
        if self._eager or call.body_end or call.waiting_bytes >= _BEGIN_BYTES:
            call.begun = True
            self._pending.append(call)

    def lost(self, connection):
        """Its calls know already."""

    def specialise(self, connection, payload):
        raise FrameViolation("state", "a second specialise")

    def stopped(self):
        self._hub.drain()

    # For handlers, in the thread that runs one

    def about_to_block(self):
        """If this thread leads, another one does from now on."""
        if get_ident() == self._hub.leader:
            with self._crew.lock:
                self._give_lead_away()

    # Threads

    def _work(self, is_main=False):
        while True:
            call = self._next_job(is_main)
            if call is None:
                return
            if call is self:
                self._lead()
            else:
                self._run(call)

    def _start_work(self):
        with self._crew.lock:
            self._coming -= 1
        self._work()

    def _next_job(self, is_main):
        """A call to run, ourselves for the lead, or None for a thread too many."""
        with self._crew.lock:
            while True:
                if self._vacant:
                    self._vacant = False
                    self._hub.leader = get_ident()
                    return self
                try:
                    return self._pending.popleft()
                except IndexError:
                    pass
                if self._crew.wait(-1 if is_main else _SPARE_SECONDS):
                    self._coming -= 1
                elif not is_main and not self._vacant and not self._pending:
                    self._threads -= 1
                    return None

    def _call_thread(self):
        """Has one more thread look for a job. False when there is none. Holding the crew's lock."""
        if not self._crew.open_one():
            if self._threads >= self._max_threads:
                return False
            try:
                start_new_thread(self._start_work, ())
            except RuntimeError:  # the limit on processes: we do with what we have
                return False
            self._threads += 1
        self._coming += 1
        return True

    def _give_lead_away(self):
        """Holding the crew's lock. Nothing changes where no other thread can be had."""
        if not self._call_thread():
            return
        self._vacant = True
        self._term += 1
        self._hub.leader = 0
        self._busy = 0

    # Leading

    def _lead(self):
        hub = self._hub
        term = self._term
        while self._run_pending(term):
            hub.step(50 if hub.draining else None)
            if hub.finished():
                exit_process(0)

    def _run_pending(self, term):
        """False when another thread leads by now."""
        pending = self._pending
        if not pending:
            return True
        began = flushed = monotonic()
        waited = _waits()
        count = 0
        while pending:
            if not self._inline:
                self._hand_over()
                return True
            try:
                call = pending.popleft()
            except IndexError:  # a spare thread was quicker
                break
            count += 1
            self._turn += 1
            self._busy = self._turn
            self._wake_sentinel()
            self._run(call)
            now = monotonic()
            with self._crew.lock:
                if self._term != term:
                    self._judge(now - began, count, _waits() - waited)
                    return False
                self._busy = 0
            if now - flushed > _FLUSH_SECONDS:
                self._hub.flush()
                flushed = now
        self._judge(monotonic() - began, count, _waits() - waited)
        return True

    def _judge(self, seconds, count, waits):
        """Whether handlers may go on in the leading thread: not when they take long because they wait.

        Long and busy is different: other threads would not get more done, as only one runs Python at a time.
        """
        each = seconds / count
        weight = min(1.0, count * 0.05) if each < _LOOK_SECONDS else 1.0
        self._average += (each - self._average) * weight
        if self._average > _SLOW_SECONDS and (waits * 2 >= count or _THREAD is None):
            self._inline = False
            self._average = 0.0
            self._probe_at = monotonic() + self._probe_seconds
            self._probe_seconds = min(self._probe_seconds * 2, _LAST_PROBE_SECONDS)

    def _hand_over(self):
        """Gives what is pending to other threads; when it is time, the next calls are tried in this one again."""
        if monotonic() > self._probe_at:
            self._inline = True
        with self._crew.lock:
            for _ in range(len(self._pending) - self._coming):
                if not self._call_thread():
                    break

    # Running

    def _run(self, call):
        if call.stopped is None:
            current_call.set(call.head.call_id)
            try:
                self._run_handler(call, self)
            except CallStopped:
                pass
            except BaseException as error:
                self._report(call, error)
            for output in self._outputs:
                output.end_call()
            current_call.set("")
        call.settle()

    def _report(self, call, error):
        try:
            report_failure(call, error)
        except Exception as second:  # an exception whose text cannot be made
            call.fail("bad-reply", "the handler failed with %s" % type(second).__name__)

    # The sentinel

    def _wake_sentinel(self):
        if self._sentinel is None:
            self._sentinel = allocate_lock()
            self._sentinel.acquire()
            try:
                start_new_thread(self._watch, ())
            except RuntimeError:
                self._sentinel = None
        elif self._sentinel_asleep:
            self._sentinel_asleep = False
            try:
                self._sentinel.release()
            except RuntimeError:
                pass  # it has just thought better of it

    def _watch(self):
        last = seen = quiet = 0
        while True:
            sleep(_LOOK_SECONDS)
            with self._crew.lock:
                busy = self._busy
                if busy and busy == last:
                    self._give_lead_away()
                last = busy
                quiet = quiet + 1 if not busy and self._turn == seen else 0
                seen = self._turn
            if quiet > _QUIET_LOOKS:
                quiet = 0
                self._sentinel_asleep = True
                # A handler that began meanwhile may not have seen us asleep: one of the two sees the other.
                if self._busy:
                    self._sentinel_asleep = False
                else:
                    self._sentinel.acquire()

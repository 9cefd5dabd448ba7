"""How errors of the function are told: whole to its log, one line to the caller."""

import sys


def describe(error):
    """The traceback as text, without our own frames at its top."""
    import traceback

    here = __file__.rpartition("/")[0]
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))


def log_error(error):
    """Writes the traceback to the log and returns it."""
    text = describe(error)
    _say(text)
    return text


def _say(text):
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except Exception:  # a handler may have closed or replaced it
        pass


def summary(error):
    """Kind and message in one line."""
    if isinstance(error, SystemExit):
        return "the handler called sys.exit(%s)" % ("" if error.code is None else error.code)
    lines = str(error).splitlines()
    name = type(error).__name__
    return "%s: %s" % (name, lines[0]) if lines and lines[0] else name


def report_failure(call, error):
    """A handler raised: the caller gets 500, or the end of what had begun; the log gets the traceback."""
    log_error(error)
    if isinstance(error, SystemExit):
        _say("tinderbox: sys.exit in a handler ends the call, not the function\n")
    text = summary(error)
    if call.has_replied:
        call.fail("failed", text)
    else:
        body = (text[:1000] + "\n").encode("utf-8", "backslashreplace")
        call.reply(500, ["content-type", "text/plain; charset=utf-8"], body)

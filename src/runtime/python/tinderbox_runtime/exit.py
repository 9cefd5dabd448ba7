"""The end of the process."""

import os
import sys


def exit_process(code):
    """Runs what was registered for the exit, then ends, whatever threads of the function still run."""
    import atexit

    try:
        atexit._run_exitfuncs()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
        os._exit(code)

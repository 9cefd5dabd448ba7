"""Root of the Python runtime: listens on TINDERBOX_SOCKET, says so on fd 3, waits to be made one function, serves it.

Everything a generic (warm) process can do beforehand has happened when `listening` is said. Only C modules that the
interpreter has at hand are imported until then; what a handler shape needs is imported when it is known.
"""

import sys

_here = __file__.rpartition("/")[0] or "."
sys.path.insert(0, _here)

from tinderbox_runtime.instance import run_instance

# The function's own modules must not meet ours under a short name; our package stays importable by its own path.
sys.path.remove(_here)

if __name__ == "__main__":
    run_instance()

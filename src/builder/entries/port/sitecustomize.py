"""A template's program listens on a port of its own choice, which only one on a machine can have: where it does, it gets
the port its instance was given, reachable from this machine alone."""

import os
import socket

_wanted = os.environ.get("TINDERBOX_LISTEN_PORT", "")
_given = os.environ.get("PORT", "")
_bind = socket.socket.bind


def _bind_as_given(self, address):
    if isinstance(address, tuple) and len(address) > 1 and address[1] == int(_wanted):
        host = "::1" if self.family == socket.AF_INET6 else "127.0.0.1"
        address = (host, int(_given), *address[2:])
    return _bind(self, address)


if _wanted.isdigit() and _given.isdigit():
    socket.socket.bind = _bind_as_given

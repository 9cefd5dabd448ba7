"""The Python runtime of Tinderbox; speaks docs/frame-protocol.md. Standard library only, Python 3.8 and later."""

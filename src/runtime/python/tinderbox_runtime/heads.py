"""The text of head and trailers frames: latin-1 lines. The same rules as src/frame/head-text.ts."""

from .frames import FrameViolation

_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VISIBLE = bytes(range(0x21, 0x7F)) + bytes(range(0x80, 0x100))
_ASCII_VISIBLE = bytes(range(0x21, 0x7F))
_TEXT = b"\t\n" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_MAX_KNOWN_NAMES = 1024
_LONGEST_NAME = 256


class RequestHead:
    """A request as its head frame tells it; `fields` is name, value, name, value, …"""

    __slots__ = ("method", "target", "call_id", "remaining_ms", "length", "fields")

    def __init__(self, method, target, call_id, remaining_ms, length, fields):
        self.method = method
        self.target = target
        self.call_id = call_id
        self.remaining_ms = remaining_ms
        self.length = length
        self.fields = fields


class HeadParser:
    """Parses request heads; remembers field names that were valid, which are few and come again and again."""

    __slots__ = ("_known",)

    def __init__(self):
        self._known = set()

    def parse(self, payload):
        """Raises FrameViolation when the payload is not a request head."""
        lines = _split_lines(payload, 5)
        method, target, call_id, remaining, length = lines[:5]
        if not _consists(method, _TOKEN, 256):
            raise _violation("%r is not a method" % method[:60])
        if not _consists(target, _VISIBLE, 65536):
            raise _violation("%r is not a request target" % target[:60])
        if not _consists(call_id, _ASCII_VISIBLE, 128):
            raise _violation("%r is not a call id" % call_id[:60])
        fields = lines[5:]
        self._check_names(fields)
        return RequestHead(method, target, call_id, _number(remaining), parse_length(length), fields)

    def _check_names(self, fields):
        if self._known.issuperset(fields[::2]) and not len(fields) % 2:
            return
        check_names(fields)
        if len(self._known) < _MAX_KNOWN_NAMES:
            self._known.update(fields[::2])


def parse_trailers(payload):
    """Raises FrameViolation when the payload is not alternating names and values."""
    if not payload:
        return []
    lines = _split_lines(payload, 0)
    check_names(lines)
    return lines


def format_reply_head(status, length, fields):
    """The payload of a reply's head. Raises FrameViolation when a name or a value cannot be sent."""
    check_names(fields)
    text = "\n".join([str(status), "-" if length is None else str(length), *fields])
    try:
        payload = text.encode("latin-1")
    except UnicodeEncodeError:
        raise _foreign(fields) from None
    if payload.translate(None, _TEXT) or payload.count(b"\n") != len(fields) + 1:
        raise _foreign(fields)
    if len(payload) > 65536:
        raise FrameViolation("length", "a head of %d bytes, the limit is 65536" % len(payload))
    return payload


def check_names(fields):
    if len(fields) % 2:
        raise _violation("a field name without a value")
    for name in fields[::2]:
        if len(name) > _LONGEST_NAME:
            raise _violation(
                'field name "%s…" has %d characters, at most %d are allowed' % (_excerpt(name), len(name), _LONGEST_NAME)
            )
        if not _consists(name, _TOKEN, _LONGEST_NAME):
            raise _violation('"%s" is not a field name' % _excerpt(name))


def parse_length(text):
    return None if text == "-" else _number(text)


def _number(text):
    if 0 < len(text) <= 15 and text.isascii() and text.isdigit():
        return int(text)
    raise _violation("%r is not a number" % text[:60])


def _split_lines(payload, least):
    if payload.translate(None, _TEXT):
        raise _violation("a line has a control character")
    lines = payload.decode("latin-1").split("\n")
    if len(lines) < least:
        raise _violation("%d lines, at least %d are needed" % (len(lines), least))
    return lines


def _consists(text, allowed, limit):
    if not 0 < len(text) <= limit:
        return False
    try:
        return not text.encode("latin-1").translate(None, allowed)
    except UnicodeEncodeError:
        return False


def _foreign(fields):
    """The violation of the first field with a character the wire does not carry; the value is left out, it may be a secret."""
    for name, value in zip(fields[::2], fields[1::2]):
        if not _consists(value or "-", _TEXT.replace(b"\n", b""), len(value) + 1):
            return _violation(
                'field "%s" has a line break, another control character or one beyond latin-1' % _excerpt(name)
            )
    return _violation("a line has a line break, another control character or one beyond latin-1")


def _excerpt(text):
    return repr(text[:60])[1:-1]


def _violation(message):
    return FrameViolation("text", message)

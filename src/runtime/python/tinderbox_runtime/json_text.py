"""JSON of specialise and hello, by the C scanner: importing `json` would cost more than all the rest of the start."""

try:
    from _json import encode_basestring_ascii, make_scanner
except ImportError:  # another implementation than CPython
    make_scanner = None


class _Rules:
    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo = {}


def parse_json(text):
    """Raises ValueError when the text is not one JSON value without space around it."""
    if make_scanner is None:
        import json

        return json.loads(text)
    try:
        value, end = make_scanner(_Rules)(text, 0)
    except StopIteration:
        raise ValueError("not JSON") from None
    if end != len(text):
        raise ValueError("text after the JSON value")
    return value


def format_flat(values):
    """An object of strings, integers and booleans as JSON."""
    if make_scanner is None:
        import json

        return json.dumps(values)
    return "{%s}" % ",".join("%s:%s" % (encode_basestring_ascii(k), _scalar(v)) for k, v in values.items())


def _scalar(value):
    if value is True or value is False:
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else encode_basestring_ascii(value)

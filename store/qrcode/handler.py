import io
import re

import segno

_ERRORS = ("L", "M", "Q", "H")
_TYPES = {"svg": "image/svg+xml", "png": "image/png", "txt": "text/plain; charset=utf-8"}


def handle(event, context):
    """A text as a QR code: SVG, or ?format=png and txt; ?scale=1…40 pixels a module, ?error=L, M, Q or H."""
    kind = event.query.get("format", "svg")
    error = event.query.get("error", "M").upper()
    scale = event.query.get("scale", "8")
    if kind not in _TYPES or error not in _ERRORS or not (re.fullmatch(r"[0-9]{1,2}", scale) and 1 <= int(scale) <= 40):
        return _refuse("format is svg, png or txt; error is L, M, Q or H; scale is a number from 1 to 40")
    text = event.body.decode("utf-8", "replace").rstrip("\r\n")
    if text == "":
        return _refuse("send the text of the code as the body")
    try:
        code = segno.make_qr(text, error=error)
    except segno.DataOverflowError:
        return _refuse(f"{len(event.body)} bytes do not fit into a QR code with error correction {error}")
    return {"headers": {"content-type": _TYPES[kind]}, "body": _draw(code, kind, int(scale))}


def _draw(code, kind, scale):
    if kind == "txt":
        out = io.StringIO()
        code.terminal(out, compact=True)
        return out.getvalue()
    out = io.BytesIO()
    code.save(out, kind=kind, scale=scale)
    return out.getvalue()


def _refuse(reason):
    return {"statusCode": 400, "body": reason + "\n"}

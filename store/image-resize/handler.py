import io
import re

from PIL import Image, ImageOps, UnidentifiedImageError

_MAX_PIXELS = 50_000_000
_FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
Image.MAX_IMAGE_PIXELS = _MAX_PIXELS


def handle(event, context):
    """An image in, the same smaller (or larger) out: ?width=320, ?height=, both with ?fit=contain or cover, ?format=webp."""
    try:
        width, height = _side(event, "width"), _side(event, "height")
    except ValueError as error:
        return _refuse(str(error))
    fit, wanted = event.query.get("fit", "contain"), event.query.get("format", "").lower()
    if width is None and height is None:
        return _refuse("give ?width= or ?height=, or both")
    if fit not in ("contain", "cover") or wanted not in ("", *_FORMATS):
        return _refuse(f"fit is contain or cover; format is {', '.join(_FORMATS)}")
    try:
        with Image.open(io.BytesIO(event.body), formats=list(_FORMATS.values())) as image:
            if image.width * image.height > _MAX_PIXELS:
                return _refuse(f"the image has {image.width}×{image.height} pixels, the limit is {_MAX_PIXELS}")
            kind = wanted or image.format.lower()
            return _answer(_resize(ImageOps.exif_transpose(image), width, height, fit), kind)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return _refuse(f"the body is not an image of the kinds {', '.join(_FORMATS)}, or is broken", 415)


def _side(event, name):
    text = event.query.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= 5000:
        raise ValueError(f"{name} is not a number from 1 to 5000")
    return int(text)


def _resize(image, width, height, fit):
    if image.mode == "P":
        image = image.convert("RGBA")
    if width is None or height is None:
        scale = width / image.width if height is None else height / image.height
        size = tuple(min(5000, max(1, round(side * scale))) for side in image.size)
        return image.resize(size, Image.Resampling.LANCZOS)
    fitted = ImageOps.fit if fit == "cover" else ImageOps.contain
    return fitted(image, (width, height), Image.Resampling.LANCZOS)


def _answer(image, kind):
    if kind == "jpeg" and image.mode not in ("L", "RGB"):
        # JPEG knows no transparency: what shines through is white.
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")
    if image.mode == "CMYK":
        # Of a print's JPEG; no other of the kinds knows its colours.
        image = image.convert("RGB")
    out = io.BytesIO()
    image.save(out, _FORMATS[kind])
    return {"headers": {"content-type": f"image/{kind}"}, "body": out.getvalue()}


def _refuse(reason, status=400):
    return {"statusCode": status, "body": reason + "\n"}

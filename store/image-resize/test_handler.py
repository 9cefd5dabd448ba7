import io
import struct
import unittest
import zlib
from types import SimpleNamespace

from PIL import Image

from handler import handle


def call(body, **query):
    return handle(SimpleNamespace(body=body, query=query), None)


def sample(width, height, kind="PNG", mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, (width, height), "red").save(out, kind, **options)
    return out.getvalue()


def opened(answer):
    return Image.open(io.BytesIO(answer["body"]))


class ImageResizeTest(unittest.TestCase):
    def test_keeps_the_proportions_for_one_side(self):
        answer = call(sample(400, 200), width="100")
        self.assertEqual((answer["headers"]["content-type"], opened(answer).size), ("image/png", (100, 50)))

    def test_fits_into_or_covers_both_sides(self):
        self.assertEqual(opened(call(sample(400, 200), width="100", height="100")).size, (100, 50))
        self.assertEqual(opened(call(sample(400, 200), width="100", height="100", fit="cover")).size, (100, 100))

    def test_turns_upright_what_the_camera_only_marked(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        self.assertEqual(opened(call(sample(400, 200, "JPEG", exif=exif), width="50")).size, (50, 100))

    def test_changes_the_format_and_puts_white_behind_what_is_transparent(self):
        picture = io.BytesIO()
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(picture, "PNG")
        answer = call(picture.getvalue(), width="4", format="jpeg")
        self.assertEqual((opened(answer).format, opened(answer).getpixel((1, 1))), ("JPEG", (255, 255, 255)))
        self.assertEqual(opened(call(sample(8, 8), width="4", format="webp")).format, "WEBP")
        for kind in ("png", "gif", "webp", "jpeg"):
            printed = sample(8, 8, "JPEG", mode="CMYK")
            self.assertEqual(opened(call(printed, width="4", format=kind)).format, kind.upper())

    def test_refuses_a_bomb_before_it_is_unpacked(self):
        chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
        self.assertIn(call(bomb, width="10")["statusCode"], (400, 415))

    def test_refuses_what_is_no_image_and_sizes_that_are_none(self):
        self.assertEqual(call(b"hello", width="10")["statusCode"], 415)
        self.assertEqual(call(sample(8, 8)[:40], width="10")["statusCode"], 415)
        for query in ({}, {"width": "0"}, {"width": "99999"}, {"width": "1", "fit": "x"}, {"width": "1", "format": "exe"}):
            self.assertEqual(call(sample(8, 8), **query)["statusCode"], 400, query)


if __name__ == "__main__":
    unittest.main()

import unittest
from types import SimpleNamespace

from handler import handle


def call(body, **query):
    return handle(SimpleNamespace(body=body.encode(), query=query), None)


class QrCodeTest(unittest.TestCase):
    def test_draws_svg_png_and_text(self):
        self.assertIn(b"<svg", call("https://example.org\n")["body"])
        png = call("https://example.org", format="png", scale="4")
        self.assertEqual((png["headers"]["content-type"], png["body"][:8]), ("image/png", b"\x89PNG\r\n\x1a\n"))
        # 25 modules and a border of 4 on each side, 4 pixels each.
        self.assertEqual(int.from_bytes(png["body"][16:20], "big"), (25 + 8) * 4)
        self.assertIn("▄", call("x", format="txt")["body"])

    def test_refuses_what_does_not_fit(self):
        answer = call("x" * 2400, error="H")
        self.assertEqual((answer["statusCode"], "2400" in answer["body"]), (400, True))

    def test_refuses_parameters_it_does_not_know(self):
        for query in ({"format": "exe"}, {"scale": "0"}, {"scale": "999"}, {"scale": "²"}, {"scale": "0409999999"}, {"error": "X"}):
            self.assertEqual(call("x", **query)["statusCode"], 400, query)
        self.assertEqual(call("\n")["statusCode"], 400)


if __name__ == "__main__":
    unittest.main()

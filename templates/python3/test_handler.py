import unittest
from types import SimpleNamespace

from handler import handle


class HandlerTest(unittest.TestCase):
    def test_greets_by_name(self):
        answer = handle(SimpleNamespace(body=b"you\n"), None)
        self.assertEqual((answer["statusCode"], answer["body"]), (200, "hello you\n"))


if __name__ == "__main__":
    unittest.main()

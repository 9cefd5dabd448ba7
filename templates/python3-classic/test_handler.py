import unittest

from handler import handle


class HandlerTest(unittest.TestCase):
    def test_greets_by_name(self):
        self.assertEqual(handle("you\n"), "hello you\n")


if __name__ == "__main__":
    unittest.main()

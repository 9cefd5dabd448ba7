import unittest

from flask import Flask

from handler import handle


class HandlerTest(unittest.TestCase):
    def test_greets_who_calls(self):
        with Flask(__name__).test_request_context(method="POST"):
            answer = handle("you\n")
        self.assertEqual(answer.get_data(as_text=True), "hello you\n")
        self.assertEqual(answer.headers["x-method"], "POST")


if __name__ == "__main__":
    unittest.main()

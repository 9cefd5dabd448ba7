import asyncio
import unittest

from handler import app


async def call(body):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": "/"}, receive, send)
    return sent[0]["status"], sent[1]["body"]


class HandlerTest(unittest.TestCase):
    def test_greets_who_calls(self):
        self.assertEqual(asyncio.run(call(b"you\n")), (200, b"hello you\n"))

    def test_greets_the_world_where_nobody_is_named(self):
        self.assertEqual(asyncio.run(call(b"")), (200, b"hello world\n"))


if __name__ == "__main__":
    unittest.main()

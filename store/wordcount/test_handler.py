import json
import unittest
from types import SimpleNamespace

from handler import handle


def call(body, **query):
    return handle(SimpleNamespace(body=body.encode(), query=query), None)


class WordCountTest(unittest.TestCase):
    def test_counts_lines_words_characters_and_bytes(self):
        counts = json.loads(call("Mother’s émigré\ndon't stop", format="json")["body"])
        self.assertEqual(counts, {"lines": 2, "words": 4, "characters": 26, "bytes": 30})

    def test_counts_nothing_as_nothing(self):
        self.assertEqual(call("").split(), ["0", "lines", "0", "words", "0", "characters", "0", "bytes"])

    def test_names_the_most_frequent_words_whatever_their_case(self):
        counts = json.loads(call("The cat the dog THE end end", format="json", top="2")["body"])
        self.assertEqual(counts["top"], [{"word": "the", "count": 3}, {"word": "end", "count": 2}])
        self.assertTrue(call("a b a", top="1").endswith("2 “a”\n"))

    def test_refuses_a_top_that_is_no_number(self):
        self.assertEqual(call("a", top="-1")["statusCode"], 400)


if __name__ == "__main__":
    unittest.main()

import json
import unittest
from types import SimpleNamespace

from handler import handle


def analyse(text):
    return json.loads(handle(SimpleNamespace(body=text.encode()), None)["body"])


class SentimentTest(unittest.TestCase):
    def test_tells_liking_from_loathing_and_both_from_a_fact(self):
        self.assertGreater(analyse("This is a wonderful, beautiful day.")["polarity"], 0.5)
        self.assertLess(analyse("What a terrible, boring film.")["polarity"], -0.5)
        self.assertEqual(analyse("The train leaves at nine."), {"polarity": 0.0, "sentence_count": 1, "subjectivity": 0.0})

    def test_counts_sentences(self):
        self.assertEqual(analyse("One. Two! Is version 3.5 three? Yes")["sentence_count"], 4)

    def test_refuses_nothing_and_a_whole_book(self):
        for text in (" \n", "x" * 100_001):
            self.assertEqual(handle(SimpleNamespace(body=text.encode()), None)["statusCode"], 400)


if __name__ == "__main__":
    unittest.main()

import json
import re

from textblob.en.sentiments import PatternAnalyzer

_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)")
_MAX_CHARACTERS = 100_000
_analyzer = PatternAnalyzer()


def handle(event, context):
    """How positive (polarity, -1…1) and how opinionated (subjectivity, 0…1) an English text is, as JSON."""
    text = event.body.decode("utf-8", "replace").strip()
    if not 1 <= len(text) <= _MAX_CHARACTERS:
        return {"statusCode": 400, "body": f"send a text of 1 to {_MAX_CHARACTERS} characters as the body\n"}
    polarity, subjectivity = _analyzer.analyze(text)
    result = {
        "polarity": round(polarity, 4),
        "sentence_count": sum(1 for sentence in _SENTENCE_END.split(text) if sentence.strip()),
        "subjectivity": round(subjectivity, 4),
    }
    return {"headers": {"content-type": "application/json"}, "body": json.dumps(result) + "\n"}

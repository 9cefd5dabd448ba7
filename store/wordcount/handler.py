import json
import re
from collections import Counter

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def handle(event, context):
    """Counts lines, words, characters and bytes; ?top=5 adds the most frequent words, ?format=json gives JSON."""
    text = event.body.decode("utf-8", "replace")
    top = event.query.get("top", "0")
    if not re.fullmatch(r"\d{1,3}", top):
        return {"statusCode": 400, "body": "top is not a number from 0 to 999\n"}
    counts = count(text, len(event.body), int(top))
    if event.query.get("format") == "json":
        return {"headers": {"content-type": "application/json"}, "body": json.dumps(counts, ensure_ascii=False) + "\n"}
    frequent = counts.pop("top", [])
    lines = [f"{value:8d} {name}" for name, value in counts.items()]
    return "\n".join(lines + [f"{entry['count']:8d} “{entry['word']}”" for entry in frequent]) + "\n"


def count(text, size, top):
    words = _WORD.findall(text)
    lines = text.count("\n") + (0 if text == "" or text.endswith("\n") else 1)
    counts = {"lines": lines, "words": len(words), "characters": len(text), "bytes": size}
    if top:
        frequent = Counter(word.lower() for word in words).most_common(top)
        counts["top"] = [{"word": word, "count": times} for word, times in frequent]
    return counts

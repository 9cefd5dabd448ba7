"""Run by frames.test.ts: the codec against the shared vectors, and against bytes nobody meant to send."""

import json
import os
import random
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)

from tinderbox_runtime.connection import Connection
from tinderbox_runtime.frames import FrameReader, FrameViolation, frame
from tinderbox_runtime.gate import Gate
from tinderbox_runtime.heads import HeadParser, format_reply_head, parse_trailers

vectors = json.load(open(sys.argv[1]))


def decode(receiver, pieces):
    """The frames, and the rule that was broken."""
    frames = []
    reader = FrameReader(lambda *parts: frames.append(parts), receiver)
    try:
        for piece in pieces:
            reader.push(piece)
    except FrameViolation as violation:
        return frames, violation.rule
    return frames, None


def split(data, at_random):
    pieces = []
    while data:
        size = at_random.randint(1, max(1, len(data)))
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def check_frames():
    at_random = random.Random(7)
    for vector in vectors["frames"]:
        data = bytes.fromhex(vector["hex"])
        wanted = [
            (one["type"], one["flags"], one["stream"], bytes.fromhex(one["payload"]))
            for one in vector.get("frames", [])
        ]
        for pieces in ([data], [data[at : at + 1] for at in range(len(data))], split(data, at_random)):
            frames, rule = decode(vector["receiver"], pieces)
            assert (frames, rule) == (wanted, vector.get("violation")), (vector["name"], frames, rule)


def check_heads():
    for vector in vectors["heads"]:
        payload = vector["text"].encode("latin-1")
        rule, value = None, None
        try:
            value = read_head(vector, payload)
        except FrameViolation as violation:
            rule = violation.rule
        if vector["kind"] == "reply" and "violation" in vector:
            continue  # the runtime sends replies, and reads none
        assert rule == vector.get("violation"), (vector["name"], rule)
        if rule is None:
            assert value == (vector["value"] if vector["kind"] != "reply" else payload), (vector["name"], value)


def read_head(vector, payload):
    if vector["kind"] == "reply":
        value = vector.get("value")
        return value and format_reply_head(value["status"], value["contentLength"], value["fields"])
    if vector["kind"] == "trailers":
        return {"fields": parse_trailers(payload)}
    head = HeadParser().parse(payload)
    return {
        "method": head.method,
        "target": head.target,
        "callId": head.call_id,
        "remainingMs": head.remaining_ms,
        "contentLength": head.length,
        "fields": head.fields,
    }


class FakeHub:
    """Takes every call and does nothing with it."""

    def __init__(self):
        self.gate = Gate()
        self.head_parser = HeadParser()
        self.broken = None

    def opened(self, call):
        call.begun = True

    def arrived(self, call):
        pass

    def specialise(self, connection, payload):
        pass

    def over(self, call):
        pass

    def wrote(self, connection):
        pass

    def commit(self):
        pass


def run_session(received):
    hub = FakeHub()
    connection = Connection(hub, None)
    try:
        for one in received:
            connection._reader.push(bytes.fromhex(one) if isinstance(one, str) else repeated(**one["repeatData"]))
    except FrameViolation as violation:
        return violation.rule
    return None


def repeated(stream, bytes):
    return frame(5, 0, stream, b"x" * bytes)


def check_sessions():
    for vector in vectors["sessions"]:
        if vector["side"] == "runtime":
            rule = run_session(vector["received"])
            assert rule == vector.get("violation"), (vector["name"], rule)


def check_arbitrary_bytes(rounds):
    """Whatever comes, in whatever pieces: the same frames, and no other error than a violation."""
    at_random = random.Random(20261)
    good = [bytes.fromhex(one["hex"]) for one in vectors["frames"]]
    for _ in range(rounds):
        data = bytearray(b"".join(at_random.choices(good, k=3)))
        for _ in range(at_random.randint(0, 4)):
            data[at_random.randrange(len(data))] = at_random.randrange(256)
        data = bytes(data)
        assert decode("runtime", [data]) == decode("runtime", split(data, at_random)), data.hex()
        connection = Connection(FakeHub(), None)
        hello = bytes.fromhex(vectors["sessions"][0]["received"][0])
        try:
            for piece in split(hello + data, at_random):
                connection._reader.push(piece)
        except FrameViolation:
            pass


def check_own_heads():
    """What a handler gives cannot become another field or another frame."""
    for fields in (["a", "b\nc"], ["a\nb", "c"], ["a", "b\r"], ["a", "\0"], ["a", "\u2028"], ["", "x"], ["a b", "x"], ["a"]):
        try:
            format_reply_head(200, None, fields)
        except FrameViolation:
            continue
        raise AssertionError(fields)


def check_told_fields():
    """A field that cannot be sent is named, with the limit but without its value."""
    beyond = 'field "x-odd" has a line break, another control character or one beyond latin-1'
    for fields, message in (
        (["ok", "1", "x-odd", "secret\nx"], beyond),
        (["x-odd", "secret\u2603"], beyond),
        (["x-odd", "a\x7f"], beyond),
        (["n" * 257, "v"], 'field name "%s…" has 257 characters, at most 256 are allowed' % ("n" * 60)),
        (["a b", "v"], '"a b" is not a field name'),
    ):
        try:
            format_reply_head(200, None, fields)
        except FrameViolation as violation:
            assert str(violation) == message, (fields, str(violation))
            continue
        raise AssertionError(fields)


check_frames()
check_heads()
check_sessions()
check_arbitrary_bytes(3000)
check_own_heads()
check_told_fields()
print("ok")

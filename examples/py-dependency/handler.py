import idna


def handle(req):
    return idna.encode(req.strip() or "tinderböx.example").decode() + "\n"

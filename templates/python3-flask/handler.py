from flask import make_response, request


def handle(req):
    """`req` is the body as text; flask.request has all else of the request."""
    response = make_response(f"hello {req.strip() or 'world'}\n")
    response.headers["content-type"] = "text/plain"
    response.headers["x-method"] = request.method
    return response

"""OpenFaaS's python3-flask contract: handle(req) inside a request of Flask, and whatever Flask takes as an answer."""

import os

from flask import Flask, request

from . import handler

app = Flask(__name__)
_methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_raw = os.environ.get("RAW_BODY", "").lower() in ("true", "1")


@app.route("/", defaults={"path": ""}, methods=_methods)
@app.route("/<path:path>", methods=_methods)
def call(path):
    return handler.handle(request.get_data(as_text=not _raw))

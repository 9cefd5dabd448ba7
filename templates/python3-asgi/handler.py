async def app(scope, receive, send):
    """An ASGI application; an `app` of FastAPI or Starlette stands in the same place."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    name = body.decode().strip() or "world"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"hello {name}\n".encode()})

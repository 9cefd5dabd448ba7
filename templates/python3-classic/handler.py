def handle(req):
    return f"hello {req.strip() or 'world'}\n"

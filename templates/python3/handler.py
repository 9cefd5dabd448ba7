def handle(event, context):
    name = event.body.decode().strip() or "world"
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": f"hello {name}\n"}

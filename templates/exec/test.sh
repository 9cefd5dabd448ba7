#!/bin/sh
answer=$(echo you | "$(dirname "$0")/handler.sh")
[ "$answer" = "hello you" ] && echo ok && exit 0
echo "expected \"hello you\", got \"$answer\"" >&2
exit 1

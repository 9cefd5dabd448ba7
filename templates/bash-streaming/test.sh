#!/bin/bash
# Holds the function to its answer to two lines.
set -eu
cd "$(dirname "$0")"
[ "$(printf 'you\nme' | ./handler.sh)" = $'hello you\nhello me' ]
echo ok

#!/bin/sh
# Compiles the function and holds it to two answers.
set -eu
program=$(mktemp)
trap 'rm -f "$program"' EXIT
cobc -x -o "$program" handler.cob
[ "$(echo you | "$program")" = 'hello you' ]
[ "$("$program" < /dev/null)" = 'hello world' ]
echo ok

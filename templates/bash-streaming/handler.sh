#!/bin/bash
# Runs in a process of its own for each call. What it writes is sent as it comes.
set -eu
while IFS= read -r line || [ -n "$line" ]; do
  echo "hello ${line:-world}"
done

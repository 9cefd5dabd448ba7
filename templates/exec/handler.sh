#!/bin/sh
read -r name || true
echo "hello ${name:-world}"

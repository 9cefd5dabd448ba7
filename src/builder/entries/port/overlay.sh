#!/bin/sh
# Writes $1/overlay.json for `go build -overlay`: the standard library's Listen asks for the address first.
set -eu
root=$(go env GOROOT)
signature='^func (lc \*ListenConfig) Listen(ctx context.Context, network, address string) (Listener, error) {$'
if ! grep -q "$signature" "$root/src/net/dial.go"; then
  echo "this version of Go listens in another way than is known here: $(go version)" >&2
  exit 1
fi
sed "s/$signature/&\\
	address = tinderboxListenAddress(network, address)/" "$root/src/net/dial.go" > "$1/dial.go"
cp tinderbox_port/listen_port.go "$1/listen_port.go"
cat > "$1/overlay.json" <<END
{"Replace": {"$root/src/net/dial.go": "$1/dial.go", "$root/src/net/tinderbox_listen_port.go": "$1/listen_port.go"}}
END

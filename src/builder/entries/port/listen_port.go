package net

import "os"

// A template's program listens on a port of its own choice, which only one on a machine can have: where it does, it gets
// the port its instance was given, reachable from this machine alone.
func tinderboxListenAddress(network, address string) string {
	wanted, given := os.Getenv("TINDERBOX_LISTEN_PORT"), os.Getenv("PORT")
	if wanted == "" || given == "" || len(network) < 3 || network[:3] != "tcp" {
		return address
	}
	if _, port, err := SplitHostPort(address); err == nil && port == wanted {
		return JoinHostPort("127.0.0.1", given)
	}
	return address
}

package main

import (
	"fmt"
	"io"
	"os"

	function "handler/function"
)

// One process per call: the request is stdin, the answer stdout.
func main() {
	request, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the request could not be read:", err)
		os.Exit(1)
	}
	fmt.Println(function.Handle(request))
}

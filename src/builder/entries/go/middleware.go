package main

import (
	"net/http"

	function "handler/function"
)

func main() {
	serve(http.HandlerFunc(function.Handle))
}

package function

import (
	"net/http"
	"strings"

	handler "github.com/openfaas/templates-sdk/go-http"
)

// Handle answers one call; several may run at once.
func Handle(req handler.Request) (handler.Response, error) {
	name := strings.TrimSpace(string(req.Body))
	if name == "" {
		name = "world"
	}
	return handler.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"text/plain"}},
		Body:       []byte("hello " + name + "\n"),
	}, nil
}

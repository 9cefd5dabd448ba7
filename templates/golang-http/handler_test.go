package function

import (
	"net/http"
	"testing"

	handler "github.com/openfaas/templates-sdk/go-http"
)

func TestGreetsWhoCalls(t *testing.T) {
	response, err := Handle(handler.Request{Body: []byte("you"), Method: http.MethodPost})
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || string(response.Body) != "hello you\n" {
		t.Errorf("got %d %q", response.StatusCode, response.Body)
	}
}

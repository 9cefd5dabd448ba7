package function

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGreetsWhoCalls(t *testing.T) {
	recorder := httptest.NewRecorder()
	Handle(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("you")))
	if recorder.Code != http.StatusOK || recorder.Body.String() != "hello you\n" {
		t.Errorf("got %d %q", recorder.Code, recorder.Body)
	}
}

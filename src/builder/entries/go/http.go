package main

import (
	"io"
	"log"
	"net/http"

	function "handler/function"

	sdk "github.com/openfaas/templates-sdk/go-http"
)

func main() {
	serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the request could not be read", http.StatusBadRequest)
			return
		}
		request := sdk.Request{
			Body:        body,
			Header:      r.Header,
			QueryString: r.URL.RawQuery,
			Method:      r.Method,
			Host:        r.Host,
		}
		request.WithContext(r.Context())
		answer(w, request)
	}))
}

func answer(w http.ResponseWriter, request sdk.Request) {
	response, err := function.Handle(request)
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	status := response.StatusCode
	if err != nil {
		log.Print(err)
		status = http.StatusInternalServerError
	}
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if _, err := w.Write(response.Body); err != nil {
		log.Print("the answer could not be sent: ", err)
	}
}

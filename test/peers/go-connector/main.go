// A connector as OpenFaaS's users write them: lines of standard input, "topic message", become events, and every answer
// of a function becomes a line of JSON.
package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/openfaas/connector-sdk/types"
	"github.com/openfaas/faas-provider/auth"
)

type printer struct{ out *json.Encoder }

func (p printer) Response(answer types.InvokerResponse) {
	if answer.Error != nil {
		_ = p.out.Encode(map[string]any{"error": answer.Error.Error()})
		return
	}
	_ = p.out.Encode(map[string]any{
		"topic": answer.Topic, "function": answer.Function, "status": answer.Status, "body": string(*answer.Body),
		"callId": answer.Header.Get("X-Call-Id"),
	})
}

func main() {
	controller := types.NewController(
		&auth.BasicAuthCredentials{User: "admin", Password: os.Getenv("GATEWAY_PASSWORD")},
		&types.ControllerConfig{
			GatewayURL:               os.Getenv("GATEWAY_URL"),
			RebuildInterval:          200 * time.Millisecond,
			UpstreamTimeout:          60 * time.Second,
			TopicAnnotationDelimiter: ",",
			ContentType:              "text/plain",
			UserAgent:                "tinderbox/peers-connector",
		})
	output := printer{json.NewEncoder(os.Stdout)}
	controller.Subscribe(output)
	controller.BeginMapBuilder()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		topic, message, isEvent := strings.Cut(lines.Text(), " ")
		if !isEvent {
			_ = output.out.Encode(map[string]any{"topics": controller.Topics()})
			continue
		}
		body := []byte(message)
		controller.Invoke(topic, &body, http.Header{})
	}
}

package function

import (
	"fmt"
	"strings"
)

// Handle runs in a process of its own for each call: what it gets is the request's body, what it returns the answer.
func Handle(req []byte) string {
	name := strings.TrimSpace(string(req))
	if name == "" {
		name = "world"
	}
	return fmt.Sprintf("hello %s", name)
}

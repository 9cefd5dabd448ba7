// A client of the Function Builder API made of OpenFaaS's own library: builds a folder under an image name, prints the log
// as it comes and the result, and ends with 1 when the build failed. Further arguments are build secrets, NAME=VALUE.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/openfaas/go-sdk/builder"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func main() {
	address, secretFile, folder, image := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	target, err := url.Parse(address)
	check(err)
	payloadSecret, err := os.ReadFile(secretFile)
	check(err)
	options := []builder.BuilderOption{builder.WithHmacAuth(strings.TrimSpace(string(payloadSecret)))}
	secrets := map[string]string{}
	for _, pair := range os.Args[5:] {
		name, value, _ := strings.Cut(pair, "=")
		secrets[name] = value
	}
	if len(secrets) > 0 {
		options = append(options, builder.WithBuildSecretsKey([]byte(publicKey(target))))
	}
	tar := filepath.Join(filepath.Dir(secretFile), "source.tar")
	check(builder.MakeTar(tar, folder, &builder.BuildConfig{Image: image, BuildArgs: map[string]string{"COLOUR": "red"}}))
	client := builder.NewFunctionBuilder(target, http.DefaultClient, options...)
	stream, err := start(client, tar, secrets)
	check(err)
	status := ""
	for result, err := range stream.Results() {
		check(err)
		for _, line := range result.Log {
			fmt.Println(line)
		}
		status = result.Status
		if result.Status != builder.BuildInProgress {
			fmt.Println(result.Status, result.Image, result.Error)
		}
	}
	if status != builder.BuildSuccess {
		os.Exit(1)
	}
}

func start(client *builder.FunctionBuilder, tar string, secrets map[string]string) (*builder.BuildResultStream, error) {
	if len(secrets) == 0 {
		return client.BuildWithStream(tar)
	}
	return client.BuildWithSecretsStream(tar, secrets)
}

func publicKey(target *url.URL) string {
	answer, err := http.Get(target.JoinPath("/publickey").String())
	check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(err)
	key := struct {
		PublicKey string `json:"public_key"`
	}{}
	check(json.Unmarshal(text, &key))
	return key.PublicKey
}

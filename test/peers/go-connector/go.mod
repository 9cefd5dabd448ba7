module tinderbox/peers-connector

go 1.24

require (
	github.com/openfaas/connector-sdk v0.7.1
	github.com/openfaas/faas-provider v0.19.1
)

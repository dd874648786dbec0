# CIBA Kiosk. `make help` lists what can be made.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
export CGO_ENABLED ?= 0

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: ## all tests
	go test ./...

.PHONY: demo
demo: build ## the whole thing in this terminal, with a phone page and nothing else to set up
	@scripts/demo

.PHONY: build
build: ## the binaries, into bin/
	go build -trimpath -ldflags '-s -w' -o bin/ ./cmd/kiosk ./cmd/devserver

# CIBA Kiosk. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
export CGO_ENABLED ?= 0

.PHONY: help
help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## builds bin/kiosk and bin/devserver for this machine
	scripts/build

.PHONY: arm
arm: ## builds dist/linux-*/kiosk for armv6, armv7 and arm64
	scripts/build armv6 armv7 arm64

.PHONY: deb
deb: ## builds dist/ciba-kiosk_*.deb for armhf, arm64 and amd64
	scripts/package deb

.PHONY: dist
dist: ## builds dist/ciba-kiosk-*.tar.gz for armv6, armv7, arm64 and amd64
	scripts/package dist

.PHONY: test-install
test-install: ## installs, upgrades, removes and purges the package in a chroot (needs root and mmdebstrap)
	scripts/appliance/test-install

.PHONY: image
image: ## builds dist/ciba-kiosk-*.img, a card that boots in QEMU (needs root and mmdebstrap)
	scripts/image

.PHONY: test-boot
test-boot: ## tests a device in QEMU: screen, keys, watchdog, power cut (needs root and qemu-system-x86)
	scripts/appliance/test-boot

.PHONY: test-arm
test-arm: ## runs all tests on emulated ARM processors (needs root and qemu-user-static)
	scripts/test-arm

.PHONY: demo
demo: ## builds and runs the kiosk in this terminal with a development server
	@scripts/demo

.PHONY: test
test: ## runs all tests
	go test ./...

.PHONY: check
check: ## checks format, vet, staticcheck, all targets, scripts, licences, units
	scripts/check

# The packages with more than one goroutine.
.PHONY: race
race: ## runs the tests of concurrent packages under the race detector
	CGO_ENABLED=1 go test -race ./kiosk/... ./internal/tui ./internal/vault ./internal/store ./internal/journal ./internal/control ./internal/health ./internal/evdev ./internal/oidc ./internal/ciba ./internal/daemon ./internal/headless ./internal/app

export FUZZTIME ?= 5s
.PHONY: fuzz
fuzz: ## runs every fuzz target for FUZZTIME (5s)
	scripts/fuzz

.PHONY: bench
bench: ## runs all benchmarks, the client beside npm openid-client (needs node and npm)
	@bad=0; scripts/bench/run.sh || bad=1; \
	go test -run '^$$' -bench . -benchmem ./... || bad=1; \
	(cd scripts/bench/store && go run . $(BENCHFLAGS)) || bad=1; exit $$bad

.PHONY: soak
soak: ## plays ten thousand visits with faults in one process and plots memory and file size
	scripts/soak

export SCREENS ?= -languages en,de,pl -theme dark
.PHONY: screens
screens: ## draws every screen as a console does (dist/screens/), and the picture of the README
	go run ./tools/pictures -out dist/screens -visit docs/pictures/visit.png $(SCREENS)

.PHONY: interop
interop: ## tests against npm oidc-provider (needs node and npm)
	scripts/interop/run.sh

.PHONY: interop-keycloak
interop-keycloak: ## tests against a real Keycloak (needs Java 17, Maven and openssl)
	scripts/keycloak/run.sh

.PHONY: a11y
a11y: ## checks every state of the phone page with axe-core (needs chromium, node and npm)
	[ -e scripts/a11y/node_modules/.package-lock.json ] || (cd scripts/a11y && npm ci --no-audit --no-fund --loglevel=error)
	go test -count=1 -tags a11y -run TestAccessibility ./internal/devserver/phone -args -axe $(CURDIR)/scripts/a11y/node_modules/axe-core/axe.min.js $(A11YFLAGS)

.PHONY: docs
docs: ## writes the generated parts of the documents
	go run ./tools/docs

.PHONY: clean
clean: ## removes bin and dist
	rm -rf bin dist

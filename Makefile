# CIBA Kiosk. `make help` lists what can be made.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
export CGO_ENABLED ?= 0

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/kiosk and bin/devserver for this machine
	scripts/build

.PHONY: arm
arm: ## dist/linux-*/kiosk for armv6, armv7 and arm64
	scripts/build armv6 armv7 arm64

.PHONY: deb
deb: ## dist/ciba-kiosk_*.deb for armhf, arm64 and amd64
	scripts/package deb

.PHONY: dist
dist: ## dist/ciba-kiosk-*.tar.gz for armv6, armv7, arm64 and amd64
	scripts/package dist

.PHONY: test-install
test-install: ## installs, upgrades, removes and purges the package in a Debian root (needs root and mmdebstrap)
	scripts/appliance/test-install

.PHONY: image
image: ## dist/ciba-kiosk-*.img, a bootable card for QEMU (needs root and mmdebstrap)
	scripts/image

.PHONY: test-boot
test-boot: ## a whole device in QEMU: screen, keys, watchdog, power cut (needs root and qemu-system-x86)
	scripts/appliance/test-boot

.PHONY: test-arm
test-arm: ## all tests on emulated processors: the first Raspberry Pi's and a 64-bit one (needs root and qemu-user-static)
	scripts/test-arm

.PHONY: demo
demo: build ## the whole kiosk in this terminal, with a phone page and nothing else to set up
	@scripts/demo

.PHONY: test
test: ## all tests
	go test ./...

.PHONY: check
check: ## what can be said without running it: format, vet, staticcheck, all targets, scripts, licences
	scripts/check

# Where goroutines meet: the runner, the terminal, the secrets, the record, connections, what is asked and heard, and the
# wiring.
.PHONY: race
race: ## the race detector, where goroutines meet
	CGO_ENABLED=1 go test -race ./kiosk ./internal/tui ./internal/vault ./internal/store ./internal/keeper ./internal/control ./internal/health ./internal/evdev ./internal/oidc ./internal/ciba ./internal/app

export FUZZTIME ?= 5s
.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (5s)
	scripts/fuzz

.PHONY: bench
bench: ## our client beside npm openid-client (needs node and npm), and all benchmarks
	@bad=0; scripts/bench/run.sh || bad=1; \
	go test -run '^$$' -bench . -benchmem ./... || bad=1; \
	(cd scripts/bench/store && go run . $(BENCHFLAGS)) || bad=1; exit $$bad

.PHONY: soak
soak: ## ten thousand visits with faults in one process, as a plot
	scripts/soak

export SCREENS ?= -languages en,de,pl -theme dark
.PHONY: screens
screens: ## dist/screens/: a picture of every screen as a console draws it, and the README's
	go test ./kiosk -run TestPictures -args -pictures $(CURDIR)/dist/screens -visit $(CURDIR)/docs/pictures/visit.png $(SCREENS)

.PHONY: interop
interop: ## against an OpenID Provider that others wrote (needs node and npm)
	scripts/interop/run.sh

.PHONY: a11y
a11y: ## the phone page, in every state, under the accessibility checker axe-core (needs chromium, node and npm)
	[ -e scripts/a11y/node_modules/.package-lock.json ] || (cd scripts/a11y && npm ci --no-audit --no-fund --loglevel=error)
	go test -count=1 -tags a11y -run TestAccessibility ./internal/devserver -args -axe $(CURDIR)/scripts/a11y/node_modules/axe-core/axe.min.js $(A11YFLAGS)

.PHONY: docs
docs: ## rewrites the generated parts of the documents
	go run ./tools/tables

.PHONY: clean
clean: ## removes what was built, keeps ./state
	rm -rf bin dist

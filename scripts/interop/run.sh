#!/usr/bin/env bash
# Runs the Go tests tagged "interop" against provider.mjs, an independent OpenID Provider.
#   scripts/interop/run.sh [arguments of go test, by default ./internal/app/... and a device's setup in cmd/kiosk]
# The tests find it by INTEROP_ISSUER, INTEROP_CONTROL and INTEROP_KEYS, and over TLS by the same with INTEROP_TLS_;
# they receive its pings at INTEROP_PING. See the head of provider.mjs.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
providers=()

finish() {
  for provider in "${providers[@]}"; do
    kill "$provider" 2>/dev/null || true
    wait "$provider" || true
  done
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# npm writes .package-lock.json after an installation.
installed=$here/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ "$here/package-lock.json" -nt "$installed" ]; then
  (cd -- "$here" && npm ci --no-audit --no-fund --loglevel=error >/dev/null)
fi

member() { node -p 'JSON.parse(process.argv[1])[process.argv[2]]' "$line" "$1"; }

# start KEYS [flags] starts a provider and reads the line that it prints when it listens.
start() {
  mkfifo "$1.line"
  node "$here/provider.mjs" --port 0 --keys "$@" >"$1.line" &
  providers+=("$!")
  # Making RSA keys can take long on a busy machine.
  if ! IFS= read -r -t 60 line <"$1.line"; then
    echo "run.sh: the provider did not start" >&2
    exit 1
  fi
}

# The ping address is registered before the client runs, so its port is chosen here. The test makes its certificate,
# which no CA issued; this provider calls no other https address.
INTEROP_PING=127.0.0.1:$(node -e '
  const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });')
export INTEROP_PING

NODE_TLS_REJECT_UNAUTHORIZED=0 NODE_NO_WARNINGS=1 start "$work/keys" --ping "https://$INTEROP_PING/ping"
INTEROP_ISSUER=$(member issuer)
INTEROP_CONTROL=$(member control)
INTEROP_KEYS=$work/keys
export INTEROP_ISSUER INTEROP_CONTROL INTEROP_KEYS

# A second provider with TLS, client certificates, DPoP and signed requests.
start "$work/tls" --tls --resource https://api.example/v1
INTEROP_TLS_ISSUER=$(member issuer)
INTEROP_TLS_CONTROL=$(member control)
INTEROP_TLS_MTLS=$(member mtls)
INTEROP_TLS_KEYS=$work/tls
export INTEROP_TLS_ISSUER INTEROP_TLS_CONTROL INTEROP_TLS_MTLS INTEROP_TLS_KEYS

cd -- "$here/../.."
# Visits mostly wait, so they run in parallel.
if [ $# -gt 0 ]; then
  go test -count=1 -parallel 16 -tags interop "$@"
  exit
fi
go test -count=1 -tags interop -v -run AtAnIndependentServer ./cmd/kiosk &
device=$!
failed=0
go test -count=1 -parallel 16 -tags interop ./internal/app/... || failed=1
wait "$device" || failed=1
exit "$failed"

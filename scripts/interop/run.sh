#!/usr/bin/env bash
# Runs the Go tests tagged "interop" against provider.mjs, an OpenID Provider not written by us.
#   scripts/interop/run.sh [arguments of go test, by default ./internal/app/... and the device's own way in cmd/kiosk]
# The tests find it by INTEROP_ISSUER, INTEROP_CONTROL and INTEROP_KEYS, and over TLS by the same with INTEROP_TLS_;
# they take its pings at INTEROP_PING. See the head of provider.mjs.
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

# npm leaves .package-lock.json behind as the record of what it installed.
installed=$here/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ "$here/package-lock.json" -nt "$installed" ]; then
  (cd -- "$here" && npm ci --no-audit --no-fund --loglevel=error >/dev/null)
fi

member() { node -p 'JSON.parse(process.argv[1])[process.argv[2]]' "$line" "$1"; }

# start KEYS [flags] runs one provider and reads the line it prints once it listens.
start() {
  mkfifo "$1.line"
  node "$here/provider.mjs" --port 0 --keys "$@" >"$1.line" &
  providers+=("$!")
  # Making an RSA key or two can take long on a busy machine.
  if ! IFS= read -r -t 60 line <"$1.line"; then
    echo "run.sh: the provider did not start" >&2
    exit 1
  fi
}

# The client's ping address is registered before the client runs, so its port is chosen here. Its certificate is made
# by the test and vouched for by nobody; this provider calls no other https address.
INTEROP_PING=127.0.0.1:$(node -e '
  const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });')
export INTEROP_PING

NODE_TLS_REJECT_UNAUTHORIZED=0 NODE_NO_WARNINGS=1 start "$work/keys" --ping "https://$INTEROP_PING/ping"
INTEROP_ISSUER=$(member issuer)
INTEROP_CONTROL=$(member control)
INTEROP_KEYS=$work/keys
export INTEROP_ISSUER INTEROP_CONTROL INTEROP_KEYS

# The same over TLS, with all that goes by certificates and keys.
start "$work/tls" --tls --resource https://api.example/v1
INTEROP_TLS_ISSUER=$(member issuer)
INTEROP_TLS_CONTROL=$(member control)
INTEROP_TLS_MTLS=$(member mtls)
INTEROP_TLS_KEYS=$work/tls
export INTEROP_TLS_ISSUER INTEROP_TLS_CONTROL INTEROP_TLS_MTLS INTEROP_TLS_KEYS

cd -- "$here/../.."
# Visits mostly wait, so they wait together.
if [ $# -gt 0 ]; then
  go test -count=1 -parallel 16 -tags interop "$@"
  exit
fi
go test -count=1 -tags interop -v -run AtAnIndependentServer ./cmd/kiosk &
device=$!
bad=0
go test -count=1 -parallel 16 -tags interop ./internal/app/... || bad=1
wait "$device" || bad=1
exit "$bad"

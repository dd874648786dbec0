#!/usr/bin/env bash
# Runs the Go tests tagged "interop" against provider.mjs, an OpenID Provider not written by us.
#   scripts/interop/run.sh [arguments of go test, by default ./internal/app/...]
# The tests find it by INTEROP_ISSUER, INTEROP_CONTROL and INTEROP_KEYS; see the head of provider.mjs.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
provider=

finish() {
  if [ -n "$provider" ]; then
    kill "$provider" 2>/dev/null || true
    wait "$provider" || true
  fi
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

mkfifo "$work/line"
node "$here/provider.mjs" --port 0 --keys "$work/keys" >"$work/line" &
provider=$!
if ! IFS= read -r -t 30 line <"$work/line"; then
  echo "run.sh: the provider did not start" >&2
  exit 1
fi
member() { node -p 'JSON.parse(process.argv[1])[process.argv[2]]' "$line" "$1"; }

INTEROP_ISSUER=$(member issuer)
INTEROP_CONTROL=$(member control)
INTEROP_KEYS=$work/keys
export INTEROP_ISSUER INTEROP_CONTROL INTEROP_KEYS

if [ $# -eq 0 ]; then
  set -- ./internal/app/...
fi
cd -- "$here/../.."
go test -count=1 -tags interop "$@"

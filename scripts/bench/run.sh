#!/usr/bin/env bash
# Compares the kiosk's client with npm openid-client: builds the programs and runs bench.mjs. Takes about four minutes.
#   scripts/bench/run.sh [--visits N] [--long N]
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# npm writes .package-lock.json after an installation.
installed=$here/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ "$here/package-lock.json" -nt "$installed" ]; then
  (cd -- "$here" && npm ci --no-audit --no-fund --loglevel=error >/dev/null)
fi
cd -- "$here/../.."
go build -o "$work/devserver" ./cmd/devserver
OUT=$work scripts/build bench
node "$here/bench.mjs" --devserver "$work/devserver" --kiosk "$work/kiosk.test" --work "$work" "$@"

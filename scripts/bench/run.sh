#!/usr/bin/env bash
# Builds what bench.mjs needs and runs it: the kiosk's client beside npm openid-client. About four minutes.
#   scripts/bench/run.sh [--visits N] [--long N]
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# npm leaves .package-lock.json behind as the record of what it installed.
installed=$here/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ "$here/package-lock.json" -nt "$installed" ]; then
  (cd -- "$here" && npm ci --no-audit --no-fund --loglevel=error >/dev/null)
fi
cd -- "$here/../.."
go build -o "$work/devserver" ./cmd/devserver
OUT=$work scripts/build bench
node "$here/bench.mjs" --devserver "$work/devserver" --kiosk "$work/kiosk.test" --work "$work" "$@"

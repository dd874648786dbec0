#!/usr/bin/env bash
# Runs the Go tests tagged "keycloak" against a real Keycloak on loopback addresses.
#   scripts/keycloak/run.sh [arguments of go test, by default ./cmd/kiosk]
#   scripts/keycloak/run.sh serve    starts Keycloak, prints how to reach it, and waits for Ctrl-C
# Keycloak comes from its Maven artifact and stays in $KEYCLOAK_CACHE (~/.cache/ciba-kiosk). Its database is in memory: each
# run begins with an untouched server. The tests find it by these variables:
#   KEYCLOAK_URL     its address; the administrator is admin, password admin
#   KEYCLOAK_PHONES  the address at which Keycloak asks people's phones; the tests listen there
#   KEYCLOAK_PING    the address for pings, free for the tests
#   KEYCLOAK_KEYS    a folder: ca.pem, and NAME.pem with NAME.key for mtls (client certificate) and ping (server certificate)
set -euo pipefail

version=${KEYCLOAK_VERSION:-26.7.5}
cache=${KEYCLOAK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ciba-kiosk}
home=$cache/keycloak-$version
work=$(mktemp -d)
server=

finish() {
  if [ -n "$server" ]; then
    kill -- -"$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# install fetches Keycloak and unpacks it. Maven checks the archive against its published checksum (-C).
install() {
  local artifact=org.keycloak:keycloak-quarkus-dist:$version:zip # the complete server; its POM alone says "pom"
  mkdir -p "$cache"
  # Without transitive=false Maven fetches the modules of the server a second time.
  mvn -B -q -C dependency:get -Dartifact="$artifact" -Dtransitive=false
  mvn -B -q -C dependency:copy -Dartifact="$artifact" -DoutputDirectory="$work"
  mkdir "$work/unpacked"
  (cd "$work/unpacked" && jar xf "$work/keycloak-quarkus-dist-$version.zip")
  chmod +x "$work/unpacked/keycloak-$version"/bin/*.sh
  mv "$work/unpacked/keycloak-$version" "$home"
}

# certificates makes a private CA, the server's certificate, the kiosk's for mutual TLS, and the kiosk's for pings.
certificates() {
  umask 077
  mkdir "$work/keys"
  cd -- "$work/keys"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj '/CN=Kiosk test CA' \
    -addext 'basicConstraints=critical,CA:true' -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
  issue server localhost DNS:localhost,IP:127.0.0.1 serverAuth
  issue ping localhost DNS:localhost,IP:127.0.0.1 serverAuth
  issue mtls kiosk-mtls DNS:kiosk-mtls clientAuth
}

issue() { # FILE COMMON-NAME ALTERNATIVE-NAMES USAGE
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=%s\nkeyUsage=critical,digitalSignature\n' "$3" "$4") 2>/dev/null
}

# free_port prints a port at which nobody listens, outside the range from which the system takes ports.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

start() {
  local began=$SECONDS options=(
    --http-host=127.0.0.1 --https-port="${KEYCLOAK_URL##*:}" --hostname="$KEYCLOAK_URL"
    --http-port="$(free_port)" # start-dev opens it, too
    --https-certificate-file="$KEYCLOAK_KEYS/server.pem" --https-certificate-key-file="$KEYCLOAK_KEYS/server.key"
    --https-client-auth=request          # client certificates, for mutual TLS
    --truststore-paths="$KEYCLOAK_KEYS/ca.pem" # for the kiosk's certificate, and for pings
    --db=dev-mem
    --spi-ciba-auth-channel--ciba-http-auth-channel--http-authentication-channel-uri="http://$KEYCLOAK_PHONES/delegate")
  KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin JAVA_OPTS_KC_HEAP='-Xms256m -Xmx1g' \
    setsid "$home/bin/kc.sh" start-dev "${options[@]}" >"$work/log" 2>&1 &
  server=$!
  # The first start builds the server, which takes minutes on a busy machine.
  until curl -sf --cacert "$KEYCLOAK_KEYS/ca.pem" -o /dev/null "$KEYCLOAK_URL/realms/master/.well-known/openid-configuration"; do
    if ! kill -0 "$server" 2>/dev/null || [ $((SECONDS - began)) -gt 300 ]; then
      tail -n 40 "$work/log" >&2
      echo "run.sh: Keycloak did not start" >&2
      exit 1
    fi
    sleep 0.5
  done
  echo "Keycloak $version listens at $KEYCLOAK_URL after $((SECONDS - began)) s"
}

for command in java mvn jar openssl curl setsid; do
  if ! command -v "$command" >/dev/null; then
    echo "run.sh: $command is missing; install: apt install default-jdk-headless maven openssl curl" >&2
    exit 1
  fi
done
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
[ -x "$home/bin/kc.sh" ] || install
(certificates)
export KEYCLOAK_KEYS=$work/keys
KEYCLOAK_URL=https://localhost:$(free_port)
KEYCLOAK_PHONES=127.0.0.1:$(free_port)
KEYCLOAK_PING=127.0.0.1:$(free_port)
export KEYCLOAK_URL KEYCLOAK_PHONES KEYCLOAK_PING
start
if [ "${1:-}" = serve ]; then
  export -p | grep KEYCLOAK_
  wait "$server"
  exit
fi

cd -- "$here/../.."
[ $# -gt 0 ] || set -- -v ./cmd/kiosk
if ! go test -count=1 -tags keycloak -run AtKeycloak "$@"; then
  echo "run.sh: the end of Keycloak's log:" >&2
  grep -v '^$' "$work/log" | tail -n 40 >&2
  exit 1
fi
